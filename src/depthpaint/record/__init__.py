"""The record of a picture: what it was painted from and with; stored in the file and beside it."""
