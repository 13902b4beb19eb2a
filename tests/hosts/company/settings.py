"""Settings of a product that is sold to companies. Those of SCIM are its only configuration."""

from tests.hosts import templates
from tests.hosts.databases import database

SECRET_KEY = "good enough for tests"

TILED_SCIM_LIBRARY_MODEL = "projects.Project"
TILED_SCIM_MEMBERSHIP_MODEL = "customers.Membership"
TILED_SCIM_MEMBERSHIP_FIELDS = {
    "user": "person",
    "active": "is_active",
    "tiledAdmin": "role=admin,owner",
    "title": "title",
}
TILED_SCIM_MEMBERSHIP_DEFAULTS = {"role": "member"}

DATABASES = {"default": database("company")}
ROOT_URLCONF = "tests.hosts.company.urls"
STATIC_URL = "static/"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a fast one
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "customers.Person"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django_filters",
    "rest_framework",
    "tests.hosts.company.customers",
    "tests.hosts.company.projects",
    "tiled_scim",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = templates.TEMPLATES
