"""Check responses against what the providers need and what the RFCs require.

Each function returns its findings as sentences, and none if the response is correct. Functions
whose names end in `notes` check requirements of the RFCs that no provider depends on: problems
worth fixing that are not failures.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from tiled_scim.provider_check.client import TIMEOUT_SECONDS, Attempt, Exchange, Json
from tiled_scim.provider_check.providers import Provider

# Not imported from the server: a check must not share the server's mistakes.
USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group"
TILED_SCHEMA = "urn:ietf:params:scim:schemas:extension:tiled:2.0:User"
ROLE_SCHEMA = "urn:okta:scim:schemas:core:1.0:Role"
LIST_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"

_MEDIA_TYPES = {"application/scim+json", "application/json"}  # Providers accept both.
_SLOW_SECONDS = 10.0
_REQUIRED: dict[str, dict[str, type]] = {
    USER_SCHEMA: {"schemas": list, "id": str, "userName": str},
    GROUP_SCHEMA: {"schemas": list, "id": str, "displayName": str},
    ROLE_SCHEMA: {"schemas": list, "id": str, "displayName": str},
}
# Null is the same as absent (RFC 7643 section 2.5).
_OPTIONAL: dict[str, type] = {
    "active": bool,
    "meta": dict,
    "externalId": str,
    "name": dict,
    "emails": list,
    "groups": list,
    TILED_SCHEMA: dict,
}
_END_CHARACTERS = 40  # enough to see where a body was cut off
_LIST_TYPES: dict[str, type] = {"totalResults": int, "startIndex": int, "itemsPerPage": int}
_JSON_NAMES: dict[type, str] = {
    bool: "a boolean",
    dict: "an object",
    int: "a whole number",
    list: "an array",
    str: "a string",
    type(None): "null",
}


def answer(exchange: Exchange, statuses: Collection[int]) -> list[str]:
    """Check the status, the media type, and that a body is a JSON object."""
    if exchange.status not in statuses:
        wanted = " or ".join(str(status) for status in sorted(statuses))
        return [f"The status is {exchange.status}, not {wanted}.", *_explanation(exchange)]
    if exchange.status == 204:
        return []
    if exchange.content_type not in _MEDIA_TYPES:
        named = exchange.content_type or "missing"
        finding = f"The content type is {named}, not application/scim+json."
        return [finding, *_explanation(exchange)]
    if exchange.json is None:
        return [f"The body is not JSON: it ends with {exchange.text[-_END_CHARACTERS:]!r}."]
    if not isinstance(exchange.json, dict):
        return ["The body is not a JSON object."]
    return []


def resource(exchange: Exchange, schema: str, statuses: Collection[int]) -> list[str]:
    """Check a complete User or Group, and the types of its attributes (RFC 7643 section 4)."""
    return answer(exchange, statuses) or _resource(exchange.json, schema)


def listing(exchange: Exchange, schema: str) -> list[str]:
    """Check a ListResponse of complete resources (RFC 7644 section 3.4.2)."""
    if findings := answer(exchange, {200}):
        return findings
    body = exchange.json
    resources = body.get("Resources") or []
    findings = [*_schemas(body, LIST_SCHEMA), *_wrong_types(body, _LIST_TYPES)]
    if not isinstance(resources, list):
        return [*findings, "Resources is not an array."]
    for item in resources:
        findings += _resource(item, schema)
    if not findings and len(resources) > body["totalResults"]:
        findings.append("There are more Resources than totalResults.")
    return findings


def error(exchange: Exchange, status: int) -> list[str]:
    """Check a SCIM error with a `detail` (RFC 7644 section 3.12)."""
    if findings := answer(exchange, {status}):
        return findings
    findings = _schemas(exchange.json, ERROR_SCHEMA)
    if str(exchange.json.get("status")) != str(status):
        findings.append(f'status in the body is {exchange.json.get("status")!r}, not "{status}".')
    if not exchange.detail:
        findings.append("detail is empty, so the provider's admin would not see the reason.")
    return findings


def error_notes(exchange: Exchange) -> Iterator[str]:
    """Check the parts of a SCIM error that no provider reads."""
    if isinstance(exchange.json.get("status"), int):
        yield "status in the body of an Error is a number, not a string (RFC 7644 section 3.12)."
    if exchange.status == 401 and "WWW-Authenticate" not in exchange.headers:
        yield "A 401 has no WWW-Authenticate header (RFC 9110 section 15.5.2)."


def location(exchange: Exchange) -> list[str]:
    """Check that the Location header is the URL of the new resource (RFC 7644 section 3.3)."""
    value = exchange.headers.get("Location", "")
    if _leads_to(value, exchange.json["id"]):
        return []
    return [f"The Location header is {value!r}, not the URL of the new resource."]


def speed(attempts: Sequence[Attempt], provider: Provider) -> list[str]:
    """Check that no request took longer than a minute, which is as long as Okta waits."""
    return [
        f"{attempt.method} {attempt.path} took {attempt.seconds:.1f} seconds. {provider.patience}"
        for attempt in attempts
        if attempt.seconds > TIMEOUT_SECONDS
    ]


def speed_notes(attempts: Sequence[Attempt], provider: Provider) -> list[str]:
    """Report slow requests. Real requests can be much larger than those of the check."""
    return [
        f"{attempt.method} {attempt.path} took {attempt.seconds:.1f} seconds. That is slow. "
        f"{provider.patience}"
        for attempt in attempts
        if _SLOW_SECONDS < attempt.seconds <= TIMEOUT_SECONDS
    ]


def differences(expected: Any, actual: Any, name: str = "") -> Iterator[str]:
    """Report the parts of `expected` that `actual` lacks.

    `actual` may contain more, and the order of arrays does not matter.
    """
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for key, value in expected.items():
            yield from differences(value, actual.get(key), f"{name}.{key}" if name else key)
    elif isinstance(expected, list) and isinstance(actual, list):
        for element in expected:
            if all(list(differences(element, candidate)) for candidate in actual):
                yield f"{name} is {actual!r} and does not contain {element!r}."
    elif type(expected) is not type(actual) or expected != actual:
        yield f"{name} is {actual!r}, not {expected!r}."


def member_ids(group: Json) -> list[str]:
    """Return the sorted ids of a group's members, including duplicates."""
    return sorted(str(member.get("value")) for member in group.get("members") or [])


def _explanation(exchange: Exchange) -> list[str]:
    if exchange.is_redirect:
        target = exchange.headers.get("Location", "another address")
        return [f"The server redirects to {target}."]
    if exchange.detail:
        return [f"The server says: {exchange.detail}"]
    if exchange.is_html:
        return ["The response is an HTML page."]
    return []


def _resource(body: Any, schema: str) -> list[str]:
    if not isinstance(body, dict):
        return ["A resource is not a JSON object."]
    present = {name: kind for name, kind in _OPTIONAL.items() if body.get(name) is not None}
    findings = _wrong_types(body, _REQUIRED[schema] | present)
    if findings:
        return findings
    findings = [*_schemas(body, schema), *_members(body)]
    if not body["id"]:
        findings.append("id is empty.")
    if "password" in body:
        findings.append("The response contains a password, which is never allowed.")
    return findings


def resource_notes(body: Json, schema: str) -> Iterator[str]:
    """Check `meta`, which no provider reads (RFC 7643 section 3.1)."""
    meta = body.get("meta") or {}
    kind = schema.rpartition(":")[2]
    if meta.get("resourceType") != kind:
        yield f"meta.resourceType is {meta.get('resourceType')!r}, not {kind!r}."
    if not _leads_to(str(meta.get("location")), body["id"]):
        yield f"meta.location is {meta.get('location')!r}, not the URL of the resource."
    for name in ("created", "lastModified"):
        if meta.get(name) is not None and not _is_date(meta[name]):
            yield f"meta.{name} is {meta[name]!r}, not a date and time in ISO 8601."


def _members(body: Json) -> list[str]:
    members = body.get("members") or []
    is_valid = isinstance(members, list) and all(
        isinstance(member, dict) and isinstance(member.get("value"), str) for member in members
    )
    return [] if is_valid else ["members is not an array of objects that each have a value."]


def _schemas(body: Json, schema: str) -> list[str]:
    schemas = body.get("schemas")
    found = isinstance(schemas, list) and schema in schemas
    return [] if found else [f"schemas does not list {schema}."]


def _wrong_types(body: Json, types: Mapping[str, type]) -> list[str]:
    """Check exact types: in JSON, `true` is not a number and `"true"` is not a boolean."""
    return [
        f"{name} is {_JSON_NAMES.get(type(body.get(name)), 'a number')}"
        f" ({body.get(name)!r}), not {_JSON_NAMES[kind]}."
        for name, kind in types.items()
        if type(body.get(name)) is not kind
    ]


def _leads_to(url: str, resource_id: str) -> bool:
    return unquote(url).endswith(f"/{resource_id}")


def _is_date(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False
