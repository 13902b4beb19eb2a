"""Settings of a host with three ways in, whose two customers share people."""

from tests.hosts.databases import database

SECRET_KEY = "long enough to sign the JSON Web Tokens of the tests with"
DATABASES = {"default": database("credentials")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "tests.hosts.credentials.urls"
STATIC_URL = "static/"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a fast one
LOGIN_URL = "/login/"
# Nobody can register here: people keep what they are signed in with when a push adopts them.
TILED_SCIM_ADOPT_PASSWORDS = True
TILED_SCIM_HOST_ADAPTER = "tests.hosts.credentials.scim.SharedPeople"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django_filters",
    "rest_framework",
    "rest_framework.authtoken",
    "rest_framework_simplejwt",
    "rest_framework_simplejwt.token_blacklist",
    "tiled_scim",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework_simplejwt.authentication.JWTAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}
