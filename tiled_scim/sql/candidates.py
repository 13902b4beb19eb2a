"""Find the links that may match a filter, by an index.

The filter itself decides which of them match. It is then evaluated for a few links instead of for
all links of the account.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import CharField, F, Model, Q, QuerySet, TextField

from tiled_scim.database.expressions import Among
from tiled_scim.database.host_columns import HostColumn, SameFolded
from tiled_scim.models import StoredEmail, UserLink, folded_email
from tiled_scim.sql.host_fields import HostField


@dataclass(frozen=True)
class Candidates:
    """The links that may match a filter.

    Args:
        queries: Queries for the ids of links. Together they return each link that matches.
        is_needed: Whether the database could not use an index for the filter itself.
    """

    queries: tuple[QuerySet[Any, Any], ...]
    is_needed: bool

    def condition(self) -> Q:
        """Return the condition that a link is one of the candidates, if it is needed."""
        return Q(Among(F("pk"), *self.queries)) if self.is_needed else Q()


def fewest(found: Iterable[Candidates | None]) -> Candidates | None:
    """Return candidates for conditions that must all be true: those of one condition."""
    known = (candidates for candidates in found if candidates)
    return min(known, key=lambda candidates: candidates.is_needed, default=None)


def union(found: Iterable[Candidates | None]) -> Candidates | None:
    """Return candidates for conditions of which one must be true.

    Returns:
        The candidates of all conditions, or None if there are none for one of them.
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
    """Return the links of an account that match a condition on an indexed column."""
    rows = model._default_manager.filter(condition, account=account)
    return Candidates((rows.values("pk"),), is_needed=False)


def by_email(address: str, host_field: HostField | None) -> Candidates | None:
    """Return the links whose JSON or host user has an email address, in any letter case.

    Args:
        address: The address.
        host_field: The host field with an address, if there is one.

    Returns:
        The candidates, or None if the host's field is not text of the host user.
    """
    stored = StoredEmail.objects.filter(folded=folded_email(address)).values("link")
    if host_field is None:
        return Candidates((stored,), is_needed=True)
    users = get_user_model()._base_manager.all()
    if host_field.is_membership or not isinstance(
        HostColumn.at(users.model, host_field.column).field, CharField | TextField
    ):
        return None
    users = users.filter(SameFolded(F(host_field.column), address))
    links = UserLink.objects.filter(Among(F("user"), users.values("pk")))
    return Candidates((stored, links.values("pk")), is_needed=True)
