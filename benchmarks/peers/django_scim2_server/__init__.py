"""django-scim2-server: https://django-scim2-server.readthedocs.io."""
