"""Other SCIM servers for Django, each in a project that is set up as its documentation says.

Everything that their documentation leaves open is as in the example project: middleware, database
connections, and a token that is looked up in the database for each request.
"""
