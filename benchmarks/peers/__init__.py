"""Other SCIM servers for Django, each in a project that follows its documentation.

The rest is the same as in the simple project: the middleware, the database connections, and a
token that is looked up in the database for each request.
"""
