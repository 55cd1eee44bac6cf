"""How a variant's outputs differ from the original's."""
