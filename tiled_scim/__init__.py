"""A SCIM 2.0 server as a Django app: Okta and its like provision the host's users and Libraries."""
