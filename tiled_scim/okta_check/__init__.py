"""The other side of the wire: what Okta sends, and what it needs back.

Plays Okta against any SCIM server over HTTP. Knows nothing of Django or of the server's Python:
`scim_check`, the demo and the tests all use it from outside.
"""
