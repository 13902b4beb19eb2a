"""Send the requests that Okta sends to any SCIM server, and check the responses.

The package uses HTTP only. It does not import Django or the server's code, so it can check servers
written in any language. The `scim_check` command, the demo and the tests use it.
"""
