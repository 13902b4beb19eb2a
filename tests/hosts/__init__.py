"""Other hosts than the simple project: each folder is a Django project with tests of its own.

A process has one settings module: `tests/end_to_end/test_hosts.py` runs each in its own process.
"""
