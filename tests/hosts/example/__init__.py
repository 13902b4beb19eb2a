"""The example project, which is sold to companies, in the database of its tests."""
