"""One module per device family."""
