"""The adb daemon protocol of a simulated phone."""
