"""SCIM: who may configure it under Account Settings."""

from __future__ import annotations

from django.http import HttpRequest

from .current import current_membership


def configurable_account(request: HttpRequest) -> str | None:
    """Return the key of the account in the URL if the person is its admin, else None."""
    membership = current_membership(request)
    if membership is None or not membership.is_admin:
        return None
    return str(membership.account.pk)
