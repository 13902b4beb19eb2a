"""The account that a page is about: that of its URL, or the one that the person has switched to."""

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
    """Return the person's membership in the account of the page, or None if there is none.

    Settings name their account in the URL, so that two tabs can show two accounts. Other pages are
    about the account that the person has switched to, while the membership is active, or else about
    the first one.
    """
    memberships = list(memberships_of(request))
    named = _account_in_url(request)
    chosen = named or request.session.get(SESSION_KEY)
    for membership in memberships:
        if membership.account.pk == chosen:
            return membership
    return memberships[0] if memberships and not named else None


def switch_to(request: HttpRequest, account: Account) -> None:
    """Make an account the current one."""
    request.session[SESSION_KEY] = account.pk


def _account_in_url(request: HttpRequest) -> int | None:
    match = request.resolver_match
    return match.kwargs.get("account") if match else None


def account_context(request: HttpRequest) -> dict[str, Any]:
    """Return what the header of each page shows. A context processor."""
    return {
        "current_membership": SimpleLazyObject(partial(current_membership, request)),
        "memberships": memberships_of(request),
    }
