"""Settings of a host with every one of SCIM's, and with those of Django's that could do harm."""

from datetime import timedelta

from tests.hosts import templates
from tests.hosts.databases import database

SECRET_KEY = "good enough for tests"

# SCIM ---------------------------------------------------------------------------------------------

TILED_SCIM_LIBRARY_MODEL = "workspaces.Workspace"
TILED_SCIM_LIBRARY_NAME_FIELD = "title"
TILED_SCIM_LIBRARY_MEMBERS_FIELD = "people"
TILED_SCIM_ADMIN_FIELD = "is_curator"
TILED_SCIM_HOST_ADAPTER = "tests.hosts.overridden.scim.CustomerAdapter"
TILED_SCIM_ENABLED = "tests.hosts.overridden.scim.has_scim"
TILED_SCIM_CONFIGURABLE_ACCOUNT = "tests.hosts.overridden.scim.configurable_account"
TILED_SCIM_ADOPT_USERS = "email"
TILED_SCIM_ADOPT_LIBRARIES = True
TILED_SCIM_UNKNOWN_MEMBERS = "reject"
TILED_SCIM_USER_DELETE = "delete"
TILED_SCIM_TOKEN_LIFETIME = timedelta(days=90)
TILED_SCIM_PAGE_SIZE = 3
TILED_SCIM_MAX_PAGE_SIZE = 5
TILED_SCIM_THROTTLE = "600/min"
TILED_SCIM_BASE_URL = "https://scim.example.com/sync/people/"

# What could get in its way ------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tests.hosts.overridden.hostile.Authentication"],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAdminUser",
        "tests.hosts.overridden.hostile.Permission",
    ],
    "DEFAULT_PARSER_CLASSES": ["tests.hosts.overridden.hostile.Parser"],
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.BrowsableAPIRenderer",
        "tests.hosts.overridden.hostile.Renderer",
    ],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "tests.hosts.overridden.hostile.Negotiation",
    "DEFAULT_VERSIONING_CLASS": "tests.hosts.overridden.hostile.Versioning",
    "DEFAULT_VERSION": "2",
    "ALLOWED_VERSIONS": ["1"],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_THROTTLE_CLASSES": ["tests.hosts.overridden.hostile.Throttle"],
    "DEFAULT_THROTTLE_RATES": {"tiled_scim": "1/day"},
    "DEFAULT_PAGINATION_CLASS": "tests.hosts.overridden.hostile.Pagination",
    "PAGE_SIZE": 1,
    "DEFAULT_FILTER_BACKENDS": ["tests.hosts.overridden.hostile.FilterBackend"],
    "SEARCH_PARAM": "filter",
    "ORDERING_PARAM": "sortBy",
    "EXCEPTION_HANDLER": "tests.hosts.overridden.hostile.refuse",
    "NON_FIELD_ERRORS_KEY": "detail",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": "filter",
    "FORMAT_SUFFIX_KWARG": "key",
    "UNICODE_JSON": False,
    "COMPACT_JSON": False,
    "STRICT_JSON": False,
    "COERCE_DECIMAL_TO_STRING": False,
    "COERCE_BIGINT_TO_STRING": True,
    "DATETIME_FORMAT": "%d.%m.%y",
    "NUM_PROXIES": 0,
}

APPEND_SLASH = False
FORCE_SCRIPT_NAME = "/product"
LANGUAGE_CODE = "de"
USE_THOUSAND_SEPARATOR = True
USE_TZ = False
TIME_ZONE = "America/St_Johns"

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
        "ATOMIC_REQUESTS": True,
    },
    "primary": {**database("overridden"), "ATOMIC_REQUESTS": True},
    "replica": {
        **database("overridden"),
        "ATOMIC_REQUESTS": True,
        "TEST": {"MIRROR": "primary"},
    },
}
DATABASE_ROUTERS = ["tests.hosts.overridden.routers.ReplicaRouter"]

# The host -----------------------------------------------------------------------------------------

ROOT_URLCONF = "tests.hosts.overridden.urls"
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "customers.Person"
# The host has no passwords: a proxy signs people in.
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.RemoteUserBackend"]
# An address is unique for a customer only.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django_filters",
    "rest_framework",
    "tests.hosts.overridden.customers",
    "tests.hosts.overridden.workspaces",
    "tiled_scim",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = templates.TEMPLATES
