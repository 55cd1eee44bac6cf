"""Variants for ExecuTorch."""
