"""A project with django-scim2-server."""

from benchmarks.peers.settings import *  # noqa: F403 (these settings extend all of those)
from benchmarks.peers.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "django_scim2_server"]
ROOT_URLCONF = "benchmarks.peers.django_scim2_server.urls"
SCIM2_SERVER_AUTH_CHECK = "benchmarks.peers.tokens.authentication.has_token"
