"""Find the links that a filter can match, by an index.

The filter is then evaluated for a few links instead of a million.
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
    """Queries for the ids of links that a filter can match.

    Args:
        queries: The queries. At least one of them returns each link that the filter matches.
        is_needed: Whether the database cannot use an index for the filter itself.
    """

    queries: tuple[QuerySet[Any, Any], ...]
    is_needed: bool

    def condition(self) -> Q:
        """Return the condition that a link is a candidate."""
        return Q(Among(F("pk"), *self.queries)) if self.is_needed else Q()


def fewest(found: Iterable[Candidates | None]) -> Candidates | None:
    """Return the candidates for the conjunction of some conditions: those of one condition."""
    known = (candidates for candidates in found if candidates)
    return min(known, key=lambda candidates: candidates.is_needed, default=None)


def union(found: Iterable[Candidates | None]) -> Candidates | None:
    """Return the candidates for the disjunction of some conditions.

    Returns:
        The candidates of all conditions, or None if those of one condition are unknown.
    """
    queries: tuple[QuerySet[Any, Any], ...] = ()
    is_needed = False
    for candidates in found:
        if candidates is None:
            return None
        queries += candidates.queries
        is_needed |= candidates.is_needed
    return Candidates(queries, is_needed)


def by_column(model: type[Model], account: str, condition: Q) -> Candidates:
    """Return the links of an account that meet a condition on an indexed column."""
    rows = model._default_manager.filter(condition, account=account)
    return Candidates((rows.values("pk"),), is_needed=False)


def by_email(address: str, host_field: str | None) -> Candidates | None:
    """Return the links whose JSON or host user has an email address, ignoring case.

    Args:
        address: The email address.
        host_field: The ORM path from the host user to the host's email address, if it has one.
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
    """Return whether an ORM path leads to a text column."""
    field: Any = None
    related: Any = model
    for name in path.split("__"):
        field = related._meta.get_field(name)
        related = field.related_model
    return isinstance(field, CharField | TextField)
