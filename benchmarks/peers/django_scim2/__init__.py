"""django-scim2: https://django-scim2.readthedocs.io."""
