"""The inputs a model is called, calibrated and compared with."""
