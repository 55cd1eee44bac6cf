"""The phone behind the daemon: its file system, processes and state."""
