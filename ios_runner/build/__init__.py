"""Building the programs for Apple devices."""
