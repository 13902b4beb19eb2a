"""A host that has every setting of SCIM's, and of Django's those that could do harm."""
