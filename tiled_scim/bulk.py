"""Many operations in one request: RFC 7644 section 3.7.

Each is a request of its own, with a transaction and an answer of its own. It may refer by `bulkId`
to what another one creates, whatever their order; two may refer to each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from .endpoints import Endpoint
from .errors import as_scim_error, invalid_syntax, invalid_value, too_large
from .media import MAX_BODY_BYTES
from .models import Link
from .resources import Renderer, Resource, version
from .values import is_storable, named_values
from .versions import if_match

RESPONSE_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"

# Advertised. So many single writes end well within a proxy's time-out.
MAX_OPERATIONS = 1000
MAX_PAYLOAD_BYTES = MAX_BODY_BYTES

METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
PATH = re.compile(r"/?(?P<endpoint>Users|Groups)(?:/(?P<key>[^/]+))?/?", re.IGNORECASE)
REFERENCE = "bulkid:"


@dataclass
class Operation:
    """One operation of a bulk request.

    Args:
        key: the id in the path, or a reference to a resource that another operation creates.
        references: the bulkIds that `key` and `body` refer to.
    """

    method: str
    endpoint: Endpoint
    key: str | None
    bulk_id: str | None
    version: str | None
    body: object
    references: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.references = frozenset(_references([self.key, self.body]))


class Bulk:
    """One bulk request.

    Args:
        endpoints: what paths can lead to.
        renderer: knows the locations of resources.
    """

    def __init__(self, endpoints: Sequence[Endpoint], renderer: Renderer) -> None:
        self.endpoints = {
            endpoint.resource_type.endpoint.strip("/").lower(): endpoint for endpoint in endpoints
        }
        self.renderer = renderer
        # What is known of the bulkIds: the id of the resource, or None where it was not created.
        self.keys: dict[str, str | None] = {}

    def run(self, body: object) -> Resource:
        """Carry out the operations of a BulkRequest message and report on each.

        Raises:
            ScimError: 400 for a message that is none, 413 for one that is too large; then nothing
                has been written.
        """
        operations, fail_on_errors = self._parse(body)
        waiting = dict(enumerate(operations))
        incomplete: dict[int, Operation] = {}
        results: dict[int, Resource] = {}
        while waiting and not _has_failed(results, fail_on_errors):
            position = self._next(waiting)
            operation = waiting.pop(position)
            if not operation.references <= self.keys.keys():
                incomplete[position] = operation
            results[position] = self._result(operation)
        for position, operation in incomplete.items():
            if int(results[position]["status"]) < HTTPStatus.BAD_REQUEST:
                results[position] = self._completed(operation, results[position])
        return {
            "schemas": [RESPONSE_SCHEMA],
            "Operations": [results[position] for position in sorted(results)],
        }

    def _parse(self, body: object) -> tuple[list[Operation], int]:
        fields = _fields(body, "The body")
        sent, fail_on_errors = fields.get("operations"), fields.get("failonerrors") or 0
        if not isinstance(sent, list) or not sent:
            raise invalid_syntax("Operations must be an array of at least one operation.")
        if len(sent) > MAX_OPERATIONS:
            raise too_large(f"A bulk request may carry {MAX_OPERATIONS} operations at most.")
        if isinstance(fail_on_errors, bool) or not isinstance(fail_on_errors, int):
            raise invalid_value("failOnErrors must be a whole number.")
        operations = [self._parse_operation(item) for item in sent]
        self._check_references(operations)
        return operations, fail_on_errors

    def _parse_operation(self, item: object) -> Operation:
        fields = _fields(item, "A bulk operation")
        method, path, bulk_id = fields.get("method"), fields.get("path"), fields.get("bulkid")
        match = PATH.fullmatch(path) if isinstance(path, str) else None
        if match is None:
            raise invalid_value("The path of a bulk operation is /Users, /Groups or below.")
        if not isinstance(method, str) or method.upper() not in METHODS:
            raise invalid_value("The method of a bulk operation is POST, PUT, PATCH or DELETE.")
        if (method.upper() == "POST") == bool(match["key"]):
            raise invalid_value("POST needs a path without an id, every other method one with it.")
        if method.upper() == "POST" and not bulk_id:
            raise invalid_value("A bulk operation with POST needs a bulkId.")
        if bulk_id and not (isinstance(bulk_id, str) and is_storable(bulk_id)):
            raise invalid_value("A bulkId must be text that can be sent back.")
        return Operation(
            method.upper(),
            self.endpoints[match["endpoint"].lower()],
            match["key"],
            bulk_id if isinstance(bulk_id, str) else None,
            str(fields["version"]) if fields.get("version") else None,
            fields.get("data"),
        )

    def _check_references(self, operations: Sequence[Operation]) -> None:
        created = [operation.bulk_id for operation in operations if operation.method == "POST"]
        if len(created) > len(set(created)):
            raise invalid_value("Each POST of a bulk request needs a bulkId of its own.")
        for operation in operations:
            if unknown := operation.references.difference(filter(None, created)):
                raise invalid_value(f"No operation has the bulkId {', '.join(sorted(unknown))}.")

    def _next(self, waiting: Mapping[int, Operation]) -> int:
        """The first operation that all it refers to is known for.

        Where all refer to each other, the first that creates: it gets the references later.
        """
        for position, operation in waiting.items():
            if operation.references <= self.keys.keys():
                return position
        creating = (at for at, operation in waiting.items() if operation.method == "POST")
        return next(creating)

    def _result(self, operation: Operation) -> Resource:
        """Carry out one operation and report on it."""
        result: Resource = {"method": operation.method}
        if operation.bulk_id:
            result["bulkId"] = operation.bulk_id
        try:
            link = self._carry_out(operation)
        except Exception as exception:  # noqa: BLE001 (as_scim_error logs what is a fault of ours)
            error = as_scim_error(exception)
            if operation.method == "POST" and operation.bulk_id:
                self.keys[operation.bulk_id] = None
            return {**result, "status": str(error.status), "response": error.body}
        if link is None:
            return {**result, "status": str(int(HTTPStatus.NO_CONTENT))}
        if operation.method == "POST" and operation.bulk_id:
            self.keys[operation.bulk_id] = str(link.pk)
        status = HTTPStatus.CREATED if operation.method == "POST" else HTTPStatus.OK
        return {**result, **self._identity(operation, link), "status": str(int(status))}

    def _carry_out(self, operation: Operation) -> Link | None:
        if failed := {at for at in operation.references if self.keys.get(at, "") is None}:
            raise invalid_value(
                f"The operation with the bulkId {', '.join(sorted(failed))} failed."
            )
        endpoint, body = operation.endpoint, self._resolved(operation.body)
        if operation.method == "POST":
            return endpoint.create(body)
        key = str(self._resolved(operation.key))
        precondition = if_match(operation.version, endpoint.adapter)
        if operation.method == "PUT":
            return endpoint.replace(key, body, precondition)
        if operation.method == "PATCH":
            return endpoint.patch(key, body, precondition)
        endpoint.delete(key, precondition)
        return None

    def _completed(self, operation: Operation, result: Resource) -> Resource:
        """Write what was created again, now that all it refers to has an id."""
        put = Operation(
            "PUT",
            operation.endpoint,
            self.keys[str(operation.bulk_id)],
            operation.bulk_id,
            None,
            operation.body,
        )
        completed = self._result(put)
        status = result["status"] if completed["status"] == "200" else completed["status"]
        return {**completed, "method": operation.method, "status": status}

    def _identity(self, operation: Operation, link: Link) -> Resource:
        endpoint = operation.endpoint
        return {
            "location": self.renderer.location(endpoint.resource_type, link.pk),
            "version": version(link, endpoint.adapter),
        }

    def _resolved(self, value: Any) -> Any:
        """The value with ids for references; one that is not known yet is left out."""
        if isinstance(value, list):
            resolved = (self._resolved(item) for item in value)
            return [item for item in resolved if item not in (None, {})]
        if isinstance(value, Mapping):
            return {
                name: self._resolved(item)
                for name, item in value.items()
                if not self._is_open(item)
            }
        return self.keys[_referred(value)] if _is_reference(value) else value

    def _is_open(self, value: Any) -> bool:
        return _is_reference(value) and _referred(value) not in self.keys


def _fields(item: object, what: str) -> dict[str, object]:
    if not isinstance(item, Mapping):
        raise invalid_syntax(f"{what} must be an object.")
    return {name.lower(): value for name, value in named_values(item)}


def _has_failed(results: Mapping[int, Resource], fail_on_errors: int) -> bool:
    errors = sum(int(result["status"]) >= HTTPStatus.BAD_REQUEST for result in results.values())
    return 0 < fail_on_errors <= errors


def _references(value: object) -> Iterator[str]:
    """The bulkIds that are named anywhere in a value."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _references(item)
    elif _is_reference(value):
        yield _referred(value)


def _is_reference(value: object) -> bool:
    return isinstance(value, str) and value.lower().startswith(REFERENCE)


def _referred(value: Any) -> str:
    return str(value)[len(REFERENCE) :]
