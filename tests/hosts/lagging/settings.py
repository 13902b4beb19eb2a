"""Settings of the simple project with a replica that lags behind for ever."""

from tests.hosts.databases import database
from tests.simple_project.settings import *  # noqa: F403 (these settings extend all of those)
from tests.simple_project.settings import DATABASES

DATABASES |= {"default": database("lagging"), "replica": database("lagging_replica")}
DATABASE_ROUTERS = ["tests.hosts.lagging.routers.ReplicaRouter"]

# Whoever has just signed in is known at once.
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
