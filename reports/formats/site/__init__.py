"""A folder of pages that show a history: no server, no network."""
