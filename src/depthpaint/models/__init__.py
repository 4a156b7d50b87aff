"""The networks: what each is used to, and the doors to the libraries that run them."""
