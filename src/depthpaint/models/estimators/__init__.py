"""Networks that see depth in a picture. `depth_anything` is a door to torch and transformers."""
