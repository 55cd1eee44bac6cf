"""Android phones and emulators, through adb."""
