"""A host without accounts: users have access to Libraries, and one Okta manages who has access.

Most tests, `benchmarks/` and `resilience/` use it. `example_project/` has customers with accounts.
"""
