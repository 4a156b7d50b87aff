"""Networks that judge a picture by more than its depth. `clip` is a door to torch and transformers."""
