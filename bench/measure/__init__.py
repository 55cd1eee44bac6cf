"""What runs when, and what is kept."""
