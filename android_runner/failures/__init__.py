"""Why a program ended without a measurement."""
