"""Settings of a host in the cloud: TLS ends at a proxy, under a path that the host does not see."""

from tests.hosts import templates
from tests.hosts.databases import database

SECRET_KEY = "good enough for tests"
DATABASES = {"default": {**database("proxied", in_file=True), "ATOMIC_REQUESTS": True}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "atlas.Person"

TILED_SCIM_LIBRARY_MODEL = "atlas.Collection"
TILED_SCIM_HOST_ADAPTER = "tests.hosts.proxied.scim.AtlasAdapter"

ALLOWED_HOSTS = ["atlas.example.com"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
USE_X_FORWARDED_HOST = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True

MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
LANGUAGE_CODE = "ar"
USE_TZ = True
TIME_ZONE = "Asia/Riyadh"

ROOT_URLCONF = "tests.hosts.proxied.urls"
STATIC_URL = "static/"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django_filters",
    "rest_framework",
    "tests.hosts.proxied.atlas",
    "tiled_scim",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = templates.TEMPLATES
