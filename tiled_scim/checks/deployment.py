"""System checks of the settings for production (`manage.py check --deploy`)."""

from __future__ import annotations

from typing import Any

from django.conf import settings as django_settings
from django.core import checks
from django.core.cache import DEFAULT_CACHE_ALIAS

from tiled_scim.checks.settings import Messages
from tiled_scim.conf import PREFIX, settings

# Caches of Django that count for one process, or not at all.
LOCAL_CACHES = {
    "django.core.cache.backends.dummy.DummyCache",
    "django.core.cache.backends.locmem.LocMemCache",
}
SECURITY_MIDDLEWARE = "django.middleware.security.SecurityMiddleware"


def check_https() -> Messages:
    if settings.BASE_URL and settings.BASE_URL.startswith("http:"):
        yield checks.Warning(
            f"{PREFIX}BASE_URL is “{settings.BASE_URL}”: identity providers would send their token "
            "without encryption.",
            hint="Use a URL that begins with https://.",
            id="tiled_scim.W033",
        )
    redirects = django_settings.SECURE_SSL_REDIRECT
    if not (redirects and SECURITY_MIDDLEWARE in django_settings.MIDDLEWARE):
        yield checks.Warning(
            "SCIM is served without https, too: an identity provider with a URL that begins with "
            "http:// sends its token without encryption.",
            hint=f"Set SECURE_SSL_REDIRECT to True, with {SECURITY_MIDDLEWARE} in MIDDLEWARE. If "
            "a proxy refuses http, silence this warning.",
            id="tiled_scim.W034",
        )


def check_proxy() -> Messages:
    is_proxied = django_settings.SECURE_PROXY_SSL_HEADER or django_settings.USE_X_FORWARDED_HOST
    if is_proxied:
        yield checks.Info(
            "The site is behind a proxy. Events, and the rate limit of callers without a token, "
            "use the address in REMOTE_ADDR. X-Forwarded-For is ignored, because clients can "
            "forge it.",
            hint="Check in Events that the addresses are those of the clients. If not, have the "
            "server or a middleware set REMOTE_ADDR.",
            id="tiled_scim.I002",
        )


def check_throttle_cache() -> Messages:
    if settings.THROTTLE is None:
        yield checks.Info(
            "SCIM has no rate limit: an identity provider, or a stranger, may send any number of "
            "requests.",
            hint=f'Set {PREFIX}THROTTLE, such as to "600/min", or limit the rate in the proxy.',
            id="tiled_scim.I001",
        )
        return
    backend: Any = django_settings.CACHES[DEFAULT_CACHE_ALIAS].get("BACKEND")
    if backend in LOCAL_CACHES:
        yield checks.Warning(
            f"{PREFIX}THROTTLE counts requests in the default cache, but {backend} does not count "
            "for all server processes together.",
            hint="Use a shared cache, such as Redis, as the default of CACHES.",
            id="tiled_scim.W035",
        )
