"""What a picture costs in time, beside a peer in the same run."""
