"""Variants made by changing the model itself, for every engine alike."""
