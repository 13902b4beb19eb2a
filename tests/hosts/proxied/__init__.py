"""A host behind a proxy, served by ASGI, whose primary keys are texts."""
