"""The floor of the comparison: bare Django views in the simple project."""
