"""The networks: their habits, how they are found and loaded, and adapters to the libraries that run them."""
