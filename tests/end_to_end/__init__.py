"""Tests that take longer: servers, other projects, and random sequences. See `make end-to-end`."""
