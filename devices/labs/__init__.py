"""Phones that are leased elsewhere, measured over adb as any other."""
