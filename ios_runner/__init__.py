"""The programs that measure on iOS, and what drives them."""
