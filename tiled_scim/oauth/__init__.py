"""OAuth: what providers sign, and the keys with which it is verified."""
