"""Mutation testing: which small changes of the code does no test notice?

    make mutation MODULE=tiled_scim/scim
    python -m mutation [--share SHARE] [--seconds N] [--again FILE] PATH ... [PYTEST'S OPTIONS ...]

The changes are those of mutmut. It would start pytest and make a database for each, and leaves out
functions with decorators. This makes the changes in forks of one process, which has imported all
tests and made the database. A fork runs the tests that execute the changed line, the fastest first,
until one fails.
"""
