"""A host whose people come in with a session, a key of DRF's or a JSON Web Token."""
