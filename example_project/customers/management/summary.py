"""Summaries of an account as text."""

from __future__ import annotations

from collections.abc import Iterator

from example_project.customers.models import Account, Membership
from example_project.libraries.models import Library
from tiled_scim.management.columns import aligned


def people(account: Account) -> Iterator[str]:
    """List the people of an account, with the Libraries that each of them may open."""
    memberships = Membership.objects.filter(account=account).select_related("user")
    yield from aligned([_person(membership) for membership in memberships])


def _person(membership: Membership) -> tuple[str, ...]:
    user = membership.user
    names = ", ".join(library.name for library in Library.objects.open_to(membership))
    state = Membership.Role(membership.role).label if membership.is_active else "deactivated"
    opens = f"opens {names or 'nothing'}"
    return user.get_full_name() or user.get_username(), state, membership.title, opens
