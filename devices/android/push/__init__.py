"""Files on a phone, stored by the sha256 of their content."""
