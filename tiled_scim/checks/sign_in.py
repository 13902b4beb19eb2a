"""System checks that deactivated users cannot sign in, or stay signed in."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings as django_settings
from django.contrib.auth import get_user_model, load_backend
from django.contrib.auth.backends import BaseBackend
from django.core import checks
from rest_framework.settings import api_settings

from tiled_scim.checks.settings import Messages

# The class of simplejwt that does not read the user from the database.
STATELESS_AUTHENTICATION = "JWTStatelessUserAuthentication"


def check_backends() -> Messages:
    for path in django_settings.AUTHENTICATION_BACKENDS:
        if _accepts_inactive_users(path):
            yield checks.Warning(
                f"The authentication backend {path} accepts inactive users. Users who are "
                "deactivated by SCIM keep their access.",
                hint="Use a backend whose user_can_authenticate() rejects them, such as Django's "
                "backend of the same name without “AllowAllUsers”.",
                id="tiled_scim.W002",
            )
        if _is_unverifiable(path):
            yield checks.Warning(
                f"The authentication backend {path} has no user_can_authenticate(), so it may "
                "accept inactive users, such as those deactivated by SCIM.",
                hint="Inherit from django.contrib.auth.backends.ModelBackend, or add a "
                "user_can_authenticate() that rejects them, and call it in get_user().",
                id="tiled_scim.W003",
            )


def _accepts_inactive_users(path: str) -> bool:
    """Return whether a backend's `user_can_authenticate` accepts an inactive user."""
    user = get_user_model()()
    user.is_active = False
    backend: Any = load_backend(path)
    return hasattr(backend, "user_can_authenticate") and backend.user_can_authenticate(user)


def _is_unverifiable(path: str) -> bool:
    """Return whether a backend has its own `get_user`, but no `user_can_authenticate`."""
    backend: Any = load_backend(path)
    finds_users = getattr(type(backend), "get_user", None) not in {None, BaseBackend.get_user}
    return finds_users and not hasattr(backend, "user_can_authenticate")


def check_json_web_tokens() -> Messages:
    """Check that simplejwt rejects tokens of inactive users."""
    classes = cast("list[type]", api_settings.DEFAULT_AUTHENTICATION_CLASSES)
    for authentication in classes:
        if any(base.__name__ == STATELESS_AUTHENTICATION for base in authentication.__mro__):
            yield checks.Warning(
                f"The authentication class {authentication.__name__} in REST_FRAMEWORK accepts a "
                "token without checking its user. Users who are deactivated by SCIM keep their "
                "access until the token expires.",
                hint="Use rest_framework_simplejwt.authentication.JWTAuthentication, or let access "
                "tokens expire after a few minutes.",
                id="tiled_scim.W004",
            )
    if not getattr(django_settings, "SIMPLE_JWT", {}).get("CHECK_USER_IS_ACTIVE", True):
        yield checks.Warning(
            "CHECK_USER_IS_ACTIVE in SIMPLE_JWT is off. Users who are deactivated by SCIM keep "
            "their access.",
            hint="Remove it: it is on by default.",
            id="tiled_scim.W005",
        )
