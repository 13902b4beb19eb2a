"""The operations of `/Users` and `/Groups` for one account, from ids and bodies to results.

Bodies are checked here, before anything is written. Views and bulk requests use these operations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sized
from functools import cached_property
from typing import cast
from uuid import UUID

from tiled_scim.attributes import ResourceType
from tiled_scim.errors import ScimError, invalid_syntax
from tiled_scim.host import HostAdapter
from tiled_scim.provisioning.groups import GroupService
from tiled_scim.provisioning.reading import Reader
from tiled_scim.provisioning.resources import StoredResource
from tiled_scim.provisioning.service import Precondition, Record, Result, unknown_resource
from tiled_scim.provisioning.users import UserService
from tiled_scim.schemas import GROUP, USER
from tiled_scim.scim.budget import Budget
from tiled_scim.scim.cleaning import Document, check_size, clean_document, is_storable
from tiled_scim.scim.identifiers import as_uuid
from tiled_scim.scim.operations import parse

SERVICES: dict[str, type[UserService | GroupService]] = {
    USER.name: UserService,
    GROUP.name: GroupService,
}
NAMES = {USER.name: "username", GROUP.name: "displayname"}


class Endpoint:
    """The endpoint of a resource type.

    Args:
        resource_type: The resource type.
        adapter: The host adapter for the client's account.
        budget: Counts what the request asks for and costs. None begins a new one.
    """

    def __init__(
        self, resource_type: ResourceType, adapter: HostAdapter, budget: Budget | None = None
    ) -> None:
        self.resource_type = resource_type
        self.adapter = adapter
        self.budget = budget or Budget()

    @cached_property
    def reader(self) -> Reader:
        """Return the reader of the resources."""
        return Reader(self.resource_type, self.adapter)

    def get(self, key: str) -> StoredResource:
        """Return the resource with this id (GET).

        Raises:
            ScimError: 404.
        """
        resource = self.reader.get(self._uuid(key))
        if resource is None:
            raise self._unknown(key)
        return resource

    def create(self, body: object, record: Record) -> Result:
        """Create a resource (POST).

        Args:
            body: The parsed JSON of the body.
            record: Writes the event of the change.

        Raises:
            ScimError: 400 for an invalid body; the errors of the services.
        """
        return self._service(record).create(self._document(body))

    def replace(
        self, key: str, body: object, record: Record, precondition: Precondition | None = None
    ) -> Result:
        """Replace a resource (PUT).

        Args:
            key: The id, as the client sent it.
            body: The parsed JSON of the body.
            record: Writes the event of the change.
            precondition: Checks the version of the locked resource.

        Raises:
            ScimError: 400 for an invalid body; 412; the errors of the services.
        """
        document = self._document(body)
        return self._service(record).replace(self._uuid(key), document, precondition)

    def patch(
        self, key: str, body: object, record: Record, precondition: Precondition | None = None
    ) -> Result:
        """Patch a resource (PATCH). See `replace` for the arguments.

        Raises:
            ScimError: 400 for an invalid body; 412; the errors of the services.
        """
        operations = parse(body, self.resource_type, self.budget, key)
        return self._service(record).patch(self._uuid(key), operations, precondition)

    def delete(self, key: str, record: Record, precondition: Precondition | None = None) -> Result:
        """Delete a resource (DELETE). See `replace` for the arguments.

        Raises:
            ScimError: 412; the errors of the services.
        """
        return self._service(record).delete(self._uuid(key), precondition)

    def _service(self, record: Record) -> UserService | GroupService:
        service = SERVICES[self.resource_type.name]
        return service(self.adapter, record, is_push=True, budget=self.budget)

    def _document(self, body: object) -> Document:
        if not isinstance(body, Mapping):
            raise invalid_syntax("The body must be one JSON object.")
        document = clean_document(self.resource_type, body)
        self.budget.take(check_size(document, self.resource_type))
        self.budget.ask("members", len(cast(Sized, document.get("members", ()))))
        return document

    def _uuid(self, key: str) -> UUID:
        """Return the UUID of an id.

        Raises:
            ScimError: 404 if it is not a UUID.
        """
        uuid = as_uuid(key)
        if uuid is None:
            raise self._unknown(key)
        return uuid

    def _unknown(self, key: str) -> ScimError:
        return unknown_resource(self.resource_type, key)


def sent_name(resource_type: ResourceType, body: object) -> str:
    """Return the userName or displayName that a body asks for, or "".

    Args:
        resource_type: The resource type.
        body: The body of a POST, PUT or PATCH. It may be invalid.
    """
    names = [
        value
        for values in (body, *_sent_operations(body))
        for value in _sent_values(values, resource_type)
        if isinstance(value, str) and is_storable(value)
    ]
    return names[-1] if names else ""


def _sent_operations(body: object) -> Iterator[object]:
    """Yield the attributes that each operation of a PATCH sets."""
    operations = _folded(body).get("operations")
    for operation in map(_folded, operations if isinstance(operations, list) else ()):
        path, value = operation.get("path"), operation.get("value")
        if str(operation.get("op")).lower() != "remove":
            yield {path: value} if path and isinstance(path, str) else value


def _sent_values(values: object, resource_type: ResourceType) -> Iterator[object]:
    """Yield the values of the name. It may have its URN before it, or be in an object under it."""
    name, schema = NAMES[resource_type.name], resource_type.schema.urn.lower()
    sent = _folded(values)
    yield from (sent[each] for each in (name, f"{schema}:{name}") if each in sent)
    yield from (value for each, value in _folded(sent.get(schema)).items() if each == name)


def _folded(values: object) -> dict[str, object]:
    """Return an object with its names in lower case, or {} for any other value."""
    return {str(name).lower(): value for name, value in _items(values)}


def _items(values: object) -> Iterable[tuple[object, object]]:
    return values.items() if isinstance(values, Mapping) else ()
