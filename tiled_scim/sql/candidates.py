"""The links that a filter can be true of at all, found by an index.

Whether it is true, the filter itself says. It is then asked of a few links, and not of a million.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import CharField, F, Model, Q, QuerySet, TextField

from tiled_scim.database.expressions import Among
from tiled_scim.database.host_columns import SameFolded
from tiled_scim.models import StoredEmail, UserLink, folded_email


@dataclass(frozen=True)
class Candidates:
    """Links, as queries for their ids.

    Args:
        queries: each link that the filter is true of is in one of them.
        is_needed: whether the database would not find them by the filter itself.
    """

    queries: tuple[QuerySet[Any, Any], ...]
    is_needed: bool

    def condition(self) -> Q:
        """That a link is one of them."""
        return Q(Among(F("pk"), *self.queries)) if self.is_needed else Q()


def fewest(found: Iterable[Candidates | None]) -> Candidates | None:
    """Those for conditions that are all true: those for one of them."""
    known = (candidates for candidates in found if candidates)
    return min(known, key=lambda candidates: candidates.is_needed, default=None)


def union(found: Iterable[Candidates | None]) -> Candidates | None:
    """Those for conditions of which one is true: none are known where those for one are not."""
    queries: tuple[QuerySet[Any, Any], ...] = ()
    is_needed = False
    for candidates in found:
        if candidates is None:
            return None
        queries += candidates.queries
        is_needed |= candidates.is_needed
    return Candidates(queries, is_needed)


def by_column(model: type[Model], account: str, condition: Q) -> Candidates:
    """The links of an account that fulfil a condition on an indexed column."""
    rows = model._default_manager.filter(condition, account=account)
    return Candidates((rows.values("pk"),), is_needed=False)


def by_email(address: str, host_field: str | None) -> Candidates | None:
    """The links whose JSON or host user has an address, in any letter case.

    Args:
        host_field: ORM path from the host user to where the host keeps an address, if it does.
    """
    stored = StoredEmail.objects.filter(folded=folded_email(address)).values("link")
    if host_field is None:
        return Candidates((stored,), is_needed=True)
    users = get_user_model()._base_manager.all()
    if not _is_text(users.model, host_field):
        return None
    users = users.filter(SameFolded(F(host_field), address))
    links = UserLink.objects.filter(Among(F("user"), users.values("pk")))
    return Candidates((stored, links.values("pk")), is_needed=True)


def _is_text(model: type[Model], path: str) -> bool:
    """Whether there is a column of text at an ORM path."""
    field: Any = None
    related: Any = model
    for name in path.split("__"):
        field = related._meta.get_field(name)
        related = field.related_model
    return isinstance(field, CharField | TextField)
