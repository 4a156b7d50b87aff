"""What was observed with depthpaint: studies of eight maps, and the texts made from their data."""
