"""From comparisons to what a person or a machine reads."""
