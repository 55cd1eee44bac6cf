"""One module a device family."""
