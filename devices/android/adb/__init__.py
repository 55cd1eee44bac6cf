"""The adb server and client; the only home of adbutils."""
