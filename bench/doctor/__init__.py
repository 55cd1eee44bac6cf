"""What can be measured from here, and what is missing for more."""
