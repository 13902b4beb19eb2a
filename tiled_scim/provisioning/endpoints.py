"""`/Users` and `/Groups` for one account: ids and bodies in, links out.

What a body must be is checked here, before anything is written. No HTTP, so that a bulk request is
the same operations as single ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from tiled_scim.attributes import ResourceType
from tiled_scim.audit.events import Change
from tiled_scim.errors import ScimError, invalid_syntax, not_found
from tiled_scim.host import HostAdapter
from tiled_scim.models import Link, UserLink
from tiled_scim.provisioning.resources import with_groups
from tiled_scim.provisioning.resources_tmp import GroupProvisioning, UserProvisioning
from tiled_scim.provisioning.service import Precondition
from tiled_scim.schemas import GROUP, USER
from tiled_scim.scim import patch
from tiled_scim.scim.cleaning import Document, clean_document, is_storable, named_values
from tiled_scim.sql.pages import TIES

PROVISIONING: dict[str, type[UserProvisioning | GroupProvisioning]] = {
    USER.name: UserProvisioning,
    GROUP.name: GroupProvisioning,
}


class Endpoint:
    """One endpoint.

    Args:
        resource_type: the kind of resource that is there.
        adapter: the host, for the account that is calling.
    """

    def __init__(self, resource_type: ResourceType, adapter: HostAdapter) -> None:
        self.resource_type = resource_type
        self.adapter = adapter
        # One of two classes with the same methods, whose links differ.
        self.provisioning: Any = PROVISIONING[resource_type.name](adapter)
        # What the last write did, or was about where it raised; None before the first.
        self.change: Change | None = None

    def rows(self) -> Any:
        """The query of what the account may see, in an order that pages can rely on."""
        # From where it was written: a replica may not have yet what Okta has just made.
        rows = self.provisioning.model.objects.using(self.provisioning.using)
        rows = rows.live(self.adapter.account)
        rows = rows.order_by(*TIES)
        if rows.model is not UserLink:
            return rows
        return with_groups(rows.select_related(*user_relations(self.adapter)))

    def get(self, key: str) -> Link:
        """The resource with this id.

        Raises:
            ScimError: 404.
        """
        link: Link | None = self.rows().filter(pk=self._uuid(key)).first()
        if link is None:
            raise self._unknown(key)
        return link

    def create(self, body: object) -> Link:
        """POST.

        Raises:
            ScimError: 400 for the body; see the provisioning for others.
        """
        self._begin(name=self._sent_name(body))
        link: Link = self.provisioning.create(self._document(body))
        return link

    def replace(self, key: str, body: object, precondition: Precondition | None = None) -> Link:
        """PUT.

        Raises:
            ScimError: 400 for the body; 412; see the provisioning for others.
        """
        self._begin(key)
        document = self._document(body)
        link: Link = self.provisioning.replace(self._uuid(key), document, precondition)
        return link

    def patch(self, key: str, body: object, precondition: Precondition | None = None) -> Link:
        """PATCH.

        Raises:
            ScimError: 400 for the body; 412; see the provisioning for others.
        """
        self._begin(key)
        operations = patch.parse(body, self.resource_type)
        link: Link = self.provisioning.patch(self._uuid(key), operations, precondition)
        return link

    def delete(self, key: str, precondition: Precondition | None = None) -> None:
        """DELETE.

        Raises:
            ScimError: 412; see the provisioning for others.
        """
        self._begin(key)
        self.provisioning.delete(self._uuid(key), precondition)

    def _begin(self, key: str = "", name: str = "") -> None:
        self.change = self.provisioning.change = Change(self.resource_type.name, key, name)

    def _sent_name(self, body: object) -> str:
        """The userName or displayName of a body that may be wrong otherwise."""
        sent = named_values(body) if isinstance(body, Mapping) else ()
        wanted = self.provisioning.name_attribute.lower()
        name = next((value for name, value in sent if name.lower() == wanted), None)
        return name if isinstance(name, str) and is_storable(name) else ""

    def _document(self, body: object) -> Document:
        if not isinstance(body, Mapping):
            raise invalid_syntax("The body must be one JSON object.")
        return clean_document(self.resource_type, body)

    def _uuid(self, key: str) -> UUID:
        """The id of a path; one that is no UUID is nobody's."""
        try:
            return UUID(key)
        except ValueError:
            raise self._unknown(key) from None

    def _unknown(self, key: str) -> ScimError:
        return not_found(f"There is no {self.resource_type.name} with the id {key}.")


def user_relations(adapter: HostAdapter) -> set[str]:
    """What to select with a user's link, so that all that the host has of the user is there."""
    return {"user"} | {f"user__{path}".rpartition("__")[0] for path in adapter.user_fields.values()}
