"""Networks that estimate depth from a picture. `published` is the adapter to torch and transformers."""
