"""Reading a device's conditions: one probe, one parser per command."""
