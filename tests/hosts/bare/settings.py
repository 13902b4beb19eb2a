"""Settings of a host that says nothing about SCIM but that it is installed."""

from tests.hosts.databases import database

SECRET_KEY = "good enough for tests"
DATABASES = {"default": database("bare")}
ROOT_URLCONF = "tests.hosts.bare.urls"
STATIC_URL = "static/"  # the live server of the tests asks for it
AUTH_USER_MODEL = "people.Person"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "tests.hosts.bare.people",
    "tiled_scim",
]
