"""Networks that see depth in a picture. `published` is a door to torch and transformers."""
