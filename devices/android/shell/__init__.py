"""Commands on a phone, over every version of adb's shell protocol."""
