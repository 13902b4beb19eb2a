"""Other hosts than the simple project: each folder is a Django project with tests of its own.

A process has one settings module, so that `tests/test_hosts.py` runs each in a process of its own.
"""

import pytest

pytest.register_assert_rewrite("tests.hosts.contract")
