"""A project with django-scim2."""

from benchmarks.peers.settings import *  # noqa: F403 (these settings extend all of those)
from benchmarks.peers.settings import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "django_scim", "benchmarks.peers.django_scim2"]
AUTH_USER_MODEL = "django_scim2.User"
ROOT_URLCONF = "benchmarks.peers.django_scim2.urls"
MIDDLEWARE = [*MIDDLEWARE, "benchmarks.peers.tokens.authentication.TokenUser"]
SCIM_SERVICE_PROVIDER = {
    "GROUP_MODEL": "benchmarks.peers.django_scim2.models.Group",
    "SCHEME": "http",
    "NETLOC": "127.0.0.1",
    "AUTHENTICATION_SCHEMES": [
        {"type": "oauth2", "name": "OAuth 2", "description": "A bearer token"},
    ],
}
