"""Tests of OAuth: clients, the token endpoint, and access tokens."""
