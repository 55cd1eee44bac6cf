"""iPhones, iPads and iOS simulators."""
