"""The programs that reach an iPhone."""
