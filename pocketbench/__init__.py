"""Benchmark PyTorch models on phones: measure, compare, report."""
