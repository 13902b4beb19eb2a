"""Settings of the product.

The lines for `tiled_scim` are marked with "SCIM:". The rest is an ordinary Django project. These
environment variables configure its deployment:

DATABASE_URL    a database URL; the default is a SQLite file next to manage.py
SECRET_KEY      required if ALLOWED_HOSTS includes other hosts than this machine
ALLOWED_HOSTS   host names, separated by commas; the default is this machine only
HTTPS_ONLY      1 behind a proxy that terminates TLS: secure cookies, HSTS, redirects from http
DEBUG           1 for Django's error pages; never if others can reach the server
"""

import os
from pathlib import Path

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

PROJECT_DIR = Path(__file__).resolve().parent
BASE_DIR = PROJECT_DIR.parent


def flag(name: str) -> bool:
    """Return whether an environment variable is set to a true value."""
    return os.environ.get(name, "").strip().lower() in {"1", "true", "yes", "on"}


# Security ---------------------------------------------------------------------------------------

LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
# Not a secret, because it is published. It is only used on this machine.
PUBLISHED_KEY = "django-insecure-published-with-the-source-good-for-this-machine-only"

DEBUG = flag("DEBUG")
ALLOWED_HOSTS = [
    host.strip() for host in os.environ.get("ALLOWED_HOSTS", "").split(",") if host.strip()
] or LOCAL_HOSTS
SECRET_KEY = os.environ.get("SECRET_KEY") or PUBLISHED_KEY

if SECRET_KEY == PUBLISHED_KEY and not set(ALLOWED_HOSTS) <= set(LOCAL_HOSTS):
    raise ImproperlyConfigured(
        "Set SECRET_KEY, because ALLOWED_HOSTS allows access from other machines."
    )

HTTPS_ONLY = flag("HTTPS_ONLY")
SECURE_SSL_REDIRECT = HTTPS_ONLY
SESSION_COOKIE_SECURE = HTTPS_ONLY
CSRF_COOKIE_SECURE = HTTPS_ONLY
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if HTTPS_ONLY else 0
# Safe only because HTTPS_ONLY requires a proxy that sets this header. Without such a proxy, clients
# could forge it.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS_ONLY else None
# HSTS is for this host only, because its sibling domains may not support https.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# Application ------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "example_project.customers",
    "example_project.libraries",
    "tiled_scim",
]

# SCIM: each pushed group becomes a Library of the account.
TILED_SCIM_LIBRARY_MODEL = "libraries.Library"
# SCIM: what a customer's Okta manages about its people is in their membership.
TILED_SCIM_MEMBERSHIP_MODEL = "customers.Membership"
TILED_SCIM_MEMBERSHIP_FIELDS = {
    "active": "is_active",
    "tiledAdmin": "role=admin",
    "roles": "role",
    "title": "title",
}
# SCIM: nobody can register here, so people whom a push adopts keep their passwords.
TILED_SCIM_ADOPT_PASSWORDS = True
# SCIM: who may use the pages of the SCIM Configuration, and for which account.
TILED_SCIM_CONFIGURABLE_ACCOUNT = "example_project.customers.scim.configurable_account"

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "example_project.urls"
WSGI_APPLICATION = "example_project.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PROJECT_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "example_project.customers.current.account_context",
            ],
        },
    },
]

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "libraries:list"
LOGOUT_REDIRECT_URL = "login"

# Database ---------------------------------------------------------------------------------------

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": dj_database_url.config(
        default=f"sqlite:///{BASE_DIR / 'demo.sqlite3'}",
        conn_max_age=60,
        conn_health_checks=True,
    )
}

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Okta sends several requests at once. A transaction that first reads and then writes fails
    # immediately if another one is writing ("database is locked"), whatever the timeout. With
    # IMMEDIATE, transactions wait for the write lock when they begin. WAL lets readers continue.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }

# Language, time, static files -------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [PROJECT_DIR / "static"]
# Serve static files from the installed apps without collectstatic, even if DEBUG is off.
WHITENOISE_USE_FINDERS = True

# Logging ----------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
    },
    "loggers": {
        # SCIM: one line per request or failure. Tokens are never logged.
        "tiled_scim": {"handlers": ["console"], "level": "INFO"},
    },
}
