"""SCIM: who may configure it on the pages of the product."""

from __future__ import annotations

from django.http import HttpRequest


def configurable_account(request: HttpRequest) -> str | None:
    """Return the account that the request is about if this person may configure it, else None.

    The host has one customer, whose key is empty. Its staff may configure SCIM.
    """
    return "" if request.user.is_staff else None
