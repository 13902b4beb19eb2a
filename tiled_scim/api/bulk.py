"""Process bulk requests (RFC 7644 section 3.7).

Each operation has its own transaction and response. They are executed in the order of the request,
except that a POST is executed before the first operation that refers to it by `bulkId`. Two POSTs
may refer to each other.

A request can take minutes. So each operation is checked like a request of its own: whether the
token is within its rate limit, and every few operations whether it may still be used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from tiled_scim.api.bulk_references import References, references_in
from tiled_scim.api.endpoints import Endpoint, sent_name
from tiled_scim.api.etags import if_match
from tiled_scim.api.exceptions import as_scim_error
from tiled_scim.api.parsers import MAX_BODY_BYTES
from tiled_scim.api.rendering import Renderer
from tiled_scim.api.request_log import RequestLog
from tiled_scim.audit.events import Change
from tiled_scim.errors import ScimError, invalid_request, invalid_syntax, too_large
from tiled_scim.host import HostAdapter
from tiled_scim.provisioning.resources import StoredResource
from tiled_scim.schemas import RESOURCE_TYPES
from tiled_scim.scim.budget import Budget
from tiled_scim.scim.cleaning import is_storable, named_values
from tiled_scim.scim.numbers import is_integer
from tiled_scim.scim.selection import Resource

RESPONSE_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"

# Declared in the ServiceProviderConfig. So many writes take about a second.
MAX_OPERATIONS = 100
MAX_PAYLOAD_BYTES = MAX_BODY_BYTES
# The characters of a path, and of a bulkId, which results repeat.
MAX_REPEATED = 1000

# The status of a successful operation, by method.
STATUSES = {
    "POST": HTTPStatus.CREATED,
    "PUT": HTTPStatus.OK,
    "PATCH": HTTPStatus.OK,
    "DELETE": HTTPStatus.NO_CONTENT,
}
ENDPOINTS = {type_.endpoint.strip("/").lower(): type_ for type_ in RESOURCE_TYPES}
PATH = re.compile(r"/?(?P<endpoint>Users|Groups)(?:/(?P<key>[^/?#]+))?/?", re.IGNORECASE)


@dataclass
class Operation:
    """An operation of a bulk request. It may be invalid.

    Args:
        method: The method, in upper case.
        path: The path below the base URL. It may end with a reference instead of an id.
        bulk_id: The bulkId, or "".
        version: The entity tag to compare, if there is one.
        body: The data.
        references: The bulkIds that `path` and `body` refer to.
    """

    method: str
    path: str
    bulk_id: str
    version: str | None
    body: object
    references: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.references = frozenset(references_in([*self.path.split("/"), self.body]))

    @classmethod
    def parse(cls, item: object) -> Operation:
        """Read an operation. Missing values become empty.

        Raises:
            ScimError: invalidSyntax if the item is not an object; invalidValue if what results
                repeat is too long.
        """
        fields = _fields(item, "A bulk operation")
        tag = fields.get("version")
        return cls(
            _text(fields.get("method"), "method").upper(),
            _text(fields.get("path"), "path"),
            _text(fields.get("bulkid"), "bulkId"),
            None if tag is None else str(tag),
            fields.get("data"),
        )

    def creates(self) -> bool:
        """Return whether the operation creates a resource, so that others can refer to it."""
        return self.method == "POST"


class Bulk:
    """A bulk request.

    Args:
        adapter: The host adapter for the client's account.
        renderer: Returns the locations of resources.
        log: Writes the event of each operation.
        check: Takes the number of operations so far, and raises an error if the token may not be
            used for another one. That operation and all others are then refused.
    """

    def __init__(
        self,
        adapter: HostAdapter,
        renderer: Renderer,
        log: RequestLog,
        check: Callable[[int], None],
    ) -> None:
        self.adapter = adapter
        self.renderer = renderer
        self.log = log
        self.check = check
        self.started = 0
        # Why no more operations are executed, once one was refused.
        self.refusal: ScimError | None = None
        self.budget = Budget()
        self.references = References(())
        self.results: dict[int, Resource] = {}
        # Operations that created a resource without all that it refers to, by position.
        self.incomplete: dict[int, Operation] = {}

    def run(self, body: object) -> Resource:
        """Execute the operations of a BulkRequest message and return the BulkResponse.

        Raises:
            ScimError: 400 for an invalid message; 413 for too many operations. Nothing is written
                then.
        """
        operations, fail_on_errors = self._parse(body)
        self.references = References(_created(operations))
        waiting = dict(enumerate(operations))
        while waiting and not _has_failed(self.results, fail_on_errors):
            position = self._next(waiting)
            operation = waiting.pop(position)
            if operation.references & self.references.pending:
                self.incomplete[position] = operation
            self.results[position] = self._result(operation)
            if operation.creates():
                self.references.pending.discard(operation.bulk_id)
            self._complete()
        self.references.pending.clear()
        self._complete()
        return {
            "schemas": [RESPONSE_SCHEMA],
            "Operations": [self.results[position] for position in sorted(self.results)],
        }

    def _parse(self, body: object) -> tuple[list[Operation], int]:
        fields = _fields(body, "The body")
        sent, fail_on_errors = fields.get("operations"), fields.get("failonerrors") or 0
        if not isinstance(sent, list) or not sent:
            raise invalid_syntax("Operations must be an array of at least one operation.")
        if len(sent) > MAX_OPERATIONS:
            raise too_large(f"A bulk request may carry {MAX_OPERATIONS} operations at most.")
        if isinstance(fail_on_errors, bool) or not isinstance(fail_on_errors, int):
            raise invalid_request("failOnErrors must be a whole number.")
        if not is_integer(fail_on_errors):
            raise invalid_request("failOnErrors must be a whole number of at most 64 bits.")
        operations = [Operation.parse(item) for item in sent]
        bulk_ids = _created(operations)
        if len(set(bulk_ids)) < len(bulk_ids):
            raise invalid_request("Each POST of a bulk request needs a bulkId of its own.")
        return operations, fail_on_errors

    def _next(self, waiting: Mapping[int, Operation]) -> int:
        """Return the position of the operation to execute now.

        It is the first one, or a POST that it needs. If POSTs refer to each other in a circle, the
        first of them is executed without the references that it gets later. Nothing else is
        executed until it has them, because adding them writes the resource of the request again.
        """
        creators = {each.bulk_id: at for at, each in waiting.items() if each.creates()}
        pending = self.references.pending

        def needed(operation: Operation) -> set[int]:
            return {creators[bulk_id] for bulk_id in operation.references & pending}

        missing = set().union(*map(needed, self.incomplete.values()))
        path = [min(missing or waiting)]
        while before := needed(waiting[path[-1]]):
            if before <= set(path):
                circle = path[min(map(path.index, before)) :]
                return min(circle)
            path.append(min(before - set(path)))
        return path[-1]

    def _result(self, operation: Operation) -> Resource:
        """Execute an operation and return its result, also if it fails (RFC 7644 section 3.7)."""
        self.log.start_operation()
        result: Resource = {"method": operation.method}
        if operation.bulk_id:
            result["bulkId"] = operation.bulk_id
        if self.refusal is not None:
            return result | _failure(self.refusal)
        endpoint: Endpoint | None = None
        key: str | None = None
        try:
            self._require_access()
            self._check_budget()
            endpoint, key = self._target(operation)
            if key:
                result["location"] = self.renderer.location(endpoint.resource_type, key)
            result |= self._success(operation, endpoint, self._carry_out(operation, endpoint, key))
        except Exception as exception:  # noqa: BLE001 (as_scim_error logs what is a fault of ours)
            error = as_scim_error(exception)
            result |= _failure(error)
            change = _tried(operation, endpoint, key)
            self.log.record_failure(change, error, method=operation.method)
        return result

    def _require_access(self) -> None:
        """Check that the token may be used for another operation. If not, refuse all others, too.

        Raises:
            ScimError: 401, 403 or 429.
        """
        try:
            self.check(self.started)
        except Exception as exception:  # noqa: BLE001 (as_scim_error logs what is a fault of ours)
            self.refusal = as_scim_error(exception)
            raise self.refusal from None
        self.started += 1

    def _check_budget(self) -> None:
        """Refuse an operation if those before it changed very much.

        Raises:
            ScimError: 413.
        """
        if self.budget.is_spent:
            raise too_large(
                "The operations before this one changed too much for one request. Send the "
                "remaining operations in another one."
            )

    def _success(
        self, operation: Operation, endpoint: Endpoint, resource: StoredResource | None
    ) -> Resource:
        if resource is None:
            return {"status": str(int(HTTPStatus.NO_CONTENT))}
        if operation.creates():
            self.references.keys[operation.bulk_id] = resource.key
        return {
            "location": self.renderer.location(endpoint.resource_type, resource.key),
            "version": resource.version,
            "status": str(int(STATUSES[operation.method])),
        }

    def _target(self, operation: Operation) -> tuple[Endpoint, str | None]:
        """Return the endpoint and the id of an operation. POST has no id.

        Raises:
            ScimError: invalidValue, also for a reference to a resource that was not created.
        """
        match = PATH.fullmatch(operation.path)
        if match is None:
            raise invalid_request(
                "The path of a bulk operation is /Users, /Groups, or one of them with an id, "
                "without a query."
            )
        if operation.method not in STATUSES:
            raise invalid_request("The method of a bulk operation is POST, PUT, PATCH or DELETE.")
        if operation.creates() == bool(match["key"]):
            raise invalid_request(
                "POST needs a path without an id, every other method one with it."
            )
        if operation.creates() and not operation.bulk_id:
            raise invalid_request("A bulk operation with POST needs a bulkId, which is text.")
        resource_type = ENDPOINTS[match["endpoint"].lower()]
        key = self.references.resolved(match["key"])
        return Endpoint(resource_type, self.adapter, self.budget), key

    def _carry_out(
        self, operation: Operation, endpoint: Endpoint, key: str | None
    ) -> StoredResource | None:
        body = self.references.resolved(operation.body)
        record = self.log.recorder(operation.method, STATUSES[operation.method])
        if key is None:
            return endpoint.create(body, record).resource
        precondition = if_match(operation.version)
        if operation.method == "PUT":
            return endpoint.replace(key, body, record, precondition).resource
        if operation.method == "PATCH":
            return endpoint.patch(key, body, record, precondition).resource
        return endpoint.delete(key, record, precondition).resource

    def _complete(self) -> None:
        """Complete the resources whose references all exist now."""
        for position, operation in list(self.incomplete.items()):
            if operation.references & self.references.pending:
                continue
            del self.incomplete[position]
            if not _is_error(self.results[position]):
                self.results[position] = self._completed(operation, self.results[position])

    def _completed(self, operation: Operation, result: Resource) -> Resource:
        """Write a created resource again, with the ids of all references.

        If that fails, the result keeps the location, because the resource exists.
        """
        path = f"{operation.path.rstrip('/')}/{self.references.keys[operation.bulk_id]}"
        completed = self._result(replace(operation, method="PUT", path=path))
        status = completed["status"] if _is_error(completed) else result["status"]
        return {**completed, "method": operation.method, "status": status}


def _tried(operation: Operation, endpoint: Endpoint | None, key: str | None) -> Change:
    """Return the change that an operation tried, as far as it is known."""
    if endpoint is None:
        return Change()
    name = sent_name(endpoint.resource_type, operation.body)
    return Change(endpoint.resource_type.name, key or "", name)


def _created(operations: Sequence[Operation]) -> list[str]:
    """Return the bulkIds of the resources that a request creates."""
    return [
        operation.bulk_id for operation in operations if operation.creates() and operation.bulk_id
    ]


def _fields(item: object, what: str) -> dict[str, object]:
    if not isinstance(item, Mapping):
        raise invalid_syntax(f"{what} must be an object.")
    return {name.lower(): value for name, value in named_values(item)}


def _text(value: object, name: str) -> str:
    """Return a value if it is text that can be sent back, or else "".

    Raises:
        ScimError: invalidValue for a long text.
    """
    if not isinstance(value, str) or not is_storable(value):
        return ""
    if len(value) > MAX_REPEATED:
        raise invalid_request(f"The {name} of a bulk operation may have {MAX_REPEATED} characters.")
    return value


def _failure(error: ScimError) -> Resource:
    return {"status": str(error.status), "response": error.body}


def _is_error(result: Resource) -> bool:
    return "response" in result


def _has_failed(results: Mapping[int, Resource], fail_on_errors: int) -> bool:
    return 0 < fail_on_errors <= sum(map(_is_error, results.values()))
