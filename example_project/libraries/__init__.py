"""Libraries and their members."""
