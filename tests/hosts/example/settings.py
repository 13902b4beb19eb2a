"""Settings of the example project, with a database of its tests."""

from example_project.settings import *  # noqa: F403 (these settings extend all of those)
from example_project.settings import DATABASES
from tests.hosts.databases import database

DATABASES |= {"default": database("example")}
# Tests make many passwords and clients: see tests/simple_project/settings.py.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
WHITENOISE_AUTOREFRESH = True
