"""Phones of several hosts as one lab, over Dask.distributed; alone imports it."""
