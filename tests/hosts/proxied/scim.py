"""How SCIM sees this host: whoever is pushed reads."""

from __future__ import annotations

from collections.abc import Collection as Values
from typing import Any

from tests.hosts.proxied.atlas.models import Membership
from tiled_scim.host import HostAdapter, chunks


class AtlasAdapter(HostAdapter):
    def members(self, library: Any, users: Values[Any]) -> set[Any]:
        return {
            key
            for chunk in chunks(users)
            for key in library.memberships.filter(person__in=chunk).values_list("person", flat=True)
        }

    def grant(self, library: Any, users: Values[Any]) -> None:
        for chunk in chunks(users):
            Membership.objects.bulk_create(
                Membership(collection=library, person_id=key, role="reader", seats=1)
                for key in chunk
            )

    def revoke(self, library: Any, users: Values[Any]) -> None:
        for chunk in chunks(users):
            library.memberships.filter(person__in=chunk).delete()
