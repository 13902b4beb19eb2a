"""The account that a person works in now. People who belong to several can switch."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from .models import Account, Membership

SESSION_KEY = "account"


def memberships_of(request: HttpRequest) -> QuerySet[Membership]:
    """Return the active memberships of the person who is signed in."""
    if not request.user.is_authenticated:
        return Membership.objects.none()
    return Membership.objects.filter(user=request.user, is_active=True).select_related("account")


def current_membership(request: HttpRequest) -> Membership | None:
    """Return the membership in the current account, or None if the person has none.

    It is the one that the person has switched to, while it is active, or else the first one.
    """
    memberships = list(memberships_of(request))
    for membership in memberships:
        if membership.account.pk == request.session.get(SESSION_KEY):
            return membership
    return memberships[0] if memberships else None


def switch_to(request: HttpRequest, account: Account) -> None:
    """Make an account the current one."""
    request.session[SESSION_KEY] = account.pk


def account_context(request: HttpRequest) -> dict[str, Any]:
    """Return what the header of each page shows. A context processor."""
    return {
        "current_membership": SimpleLazyObject(partial(current_membership, request)),
        "memberships": memberships_of(request),
    }
