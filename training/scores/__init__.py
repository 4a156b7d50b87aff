"""What diorama paints of worlds that it never saw, in numbers: each beside what the true renders score."""
