"""A phone that speaks the adb daemon protocol."""
