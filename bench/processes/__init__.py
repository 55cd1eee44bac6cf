"""Programs of this computer, each with a deadline, a byte budget and its own group."""
