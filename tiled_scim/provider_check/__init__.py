"""Send the requests of Okta or Microsoft Entra ID to any SCIM server, and check the responses.

The package uses HTTP only. It does not import Django or the server's code, so it can check servers
written in any language. The `scim_check` command, the demo and the tests use it. `okta/` and
`entra/` have the steps of each provider; everything else is for both.
"""
