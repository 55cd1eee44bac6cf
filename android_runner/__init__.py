"""The programs that measure on Android and the host, and what drives them."""
