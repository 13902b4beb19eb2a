"""End what a host user is signed in with: sessions, API tokens and JSON Web Tokens.

Everything here writes rows and must run in the transaction that ends the user's access. After the
commit it would be too late: a process that is killed in between would leave sessions and tokens
that work again once the user is reactivated.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.apps import apps
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import models, router
from django.utils import timezone

PASSWORD = "password"  # noqa: S105 (the name of a field)


def end_sessions(user: AbstractBaseUser) -> None:
    """End all Django sessions of a user, whatever their engine, by another password.

    A session has a hash of the stored password, and Django ends it when they do not agree. Nothing
    else ends it: only the database engine has rows, and they do not tell their users. A usable
    password is replaced by one that nobody knows, so that “Forgot your password?” still helps. An
    unusable one remains unusable.
    """
    if user.has_usable_password():
        user.password = _unknown_password()
        _save_password(user)
    else:
        disable_password(user)


def disable_password(user: AbstractBaseUser) -> None:
    """Make a user's password unusable, also for a reset by email. All Django sessions end."""
    user.set_unusable_password()
    _save_password(user)


def end_tokens(user: AbstractBaseUser) -> None:
    """Delete a user's tokens of REST framework, and blacklist those of simplejwt, if installed."""
    if apps.is_installed("rest_framework.authtoken"):
        _rows("authtoken.Token").filter(user=user).delete()
    if apps.is_installed("rest_framework_simplejwt.token_blacklist"):
        _blacklist(user)


def _blacklist(user: AbstractBaseUser) -> None:
    outstanding = _rows("token_blacklist.OutstandingToken")
    valid = outstanding.filter(user=user, expires_at__gt=timezone.now(), blacklistedtoken=None)
    blacklisted = _rows("token_blacklist.BlacklistedToken")
    # Another request may blacklist one of them at the same time.
    blacklisted.bulk_create(
        [blacklisted.model(token=token) for token in valid], ignore_conflicts=True
    )


def _rows(label: str) -> models.QuerySet[Any]:
    model: Any = apps.get_model(label)
    rows: models.QuerySet[Any] = model._default_manager.using(router.db_for_write(model))
    return rows


def _save_password(user: AbstractBaseUser) -> None:
    # A user model without passwords has `password = None`.
    if any(field.name == PASSWORD for field in user._meta.concrete_fields):
        user.save(update_fields=[PASSWORD])


def _unknown_password() -> str:
    """Return a password that nobody knows, as it is stored.

    Like a token, 256 random bits need no slow hash, which would keep the user locked meanwhile.
    """
    hasher = PBKDF2PasswordHasher()
    return hasher.encode(secrets.token_urlsafe(32), hasher.salt(), iterations=1)
