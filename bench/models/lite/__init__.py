"""Variants for the lite interpreter."""
