"""A SCIM client that sends what identity providers send, and checks what every answer must be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from .transport import SCIM_URL, Reply, in_process, over_http

MOUNT = "/scim/v2"

LIST_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"
PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE_USER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
TILED_USER = "urn:ietf:params:scim:schemas:extension:tiled:2.0:User"

# People whom the tests assign.
ANN, BOB, CARL = "ann@example.com", "bob@example.com", "carl@example.com"

# An id that nobody has.
NOBODY = "7d3f9a52-9c3d-4f5e-8a64-1c8a3f6b2d10"

SCIM_JSON = "application/scim+json"
OKTA_CONTENT_TYPE = f"{SCIM_JSON}; charset=utf-8"
OKTA_HEADERS = {
    "Accept": SCIM_JSON,
    "Accept-Charset": "utf-8",
    "Accept-Encoding": "gzip,deflate",
    "User-Agent": "Okta SCIM Client 1.0.0",
}

# The keywords of RFC 7644 table 9, and of RFC 9865 section 2.1.
SCIM_TYPES = {
    "expiredCursor",
    "invalidCount",
    "invalidCursor",
    "invalidFilter",
    "invalidPath",
    "invalidSyntax",
    "invalidValue",
    "invalidVers",
    "mutability",
    "noTarget",
    "sensitive",
    "tooMany",
    "uniqueness",
}


@dataclass(frozen=True)
class Answer:
    """What the server said; `json` is None where it has no body."""

    status: int
    headers: Mapping[str, str]
    json: Any
    text: str

    @property
    def error(self) -> tuple[int, str | None]:
        """The status, and the scimType of the body."""
        return self.status, self.json.get("scimType")


class Scim:
    """An identity provider.

    Args:
        authorization: the `Authorization` header; None sends none.
        headers: others that go with every request.
        content_type: that of every body.
    """

    def __init__(
        self,
        authorization: str | None,
        headers: Mapping[str, str] = OKTA_HEADERS,
        content_type: str = OKTA_CONTENT_TYPE,
    ) -> None:
        self.headers = dict(headers)
        if authorization is not None:
            self.headers["Authorization"] = authorization
        self.content_type = content_type
        self.client = Client()

    def get(self, path: str, **parameters: object) -> Answer:
        query = f"?{urlencode(parameters)}" if parameters else ""
        return self.send("GET", path + query)

    def post(self, path: str, body: object) -> Answer:
        return self.send("POST", path, body)

    def put(self, path: str, body: object) -> Answer:
        return self.send("PUT", path, body)

    def patch(self, path: str, *operations: object) -> Answer:
        return self.send("PATCH", path, patch_op(*operations))

    def delete(self, path: str) -> Answer:
        return self.send("DELETE", path)

    def send(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send any request; bytes as they are, everything else as JSON.

        Args:
            path: below the mount, with the query as it goes over the wire.
            headers: instead of, or besides, those of every request.
        """
        reply = self.exchange(method, path, body, headers)
        return checked(reply.status, reply.headers, reply.content.decode())

    def exchange(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send a request as `send` does, without checks of the response."""
        data = body if isinstance(body, bytes) else b"" if body is None else encode(body)
        sent = {"Content-Type": self.content_type, **self.headers, **(headers or {})}
        if SCIM_URL:
            return over_http(SCIM_URL, method, MOUNT + path, data, sent)
        return in_process(self.client, method, MOUNT + path, data, sent)

    # What a provider does so often that the tests say it in a word

    def add_user(self, user_name: str, **attributes: object) -> str:
        """Assign a person; returns the id."""
        answer = self.post("/Users", user(user_name, **attributes))
        assert answer.status == 201, answer.text
        return str(answer.json["id"])

    def add_group(self, name: str, *members: str) -> str:
        """Push a group with these members (ids); returns the id."""
        answer = self.post("/Groups", group(name, *members))
        assert answer.status == 201, answer.text
        return str(answer.json["id"])

    def deactivate(self, key: str) -> None:
        """Unassign a person."""
        answer = self.patch(f"/Users/{key}", {"op": "replace", "value": {"active": False}})
        assert answer.status == 200, answer.text

    def members(self, key: str) -> list[str]:
        """The ids of a group's members, sorted."""
        answer = self.get(f"/Groups/{key}")
        assert answer.status == 200, answer.text
        return sorted(member["value"] for member in answer.json.get("members", []))

    def found(self, path: str, filter_: str) -> list[str]:
        """The ids that a filter finds."""
        answer = self.get(path, filter=filter_)
        assert answer.status == 200, answer.text
        assert answer.json["totalResults"] == len(answer.json["Resources"])
        return [resource["id"] for resource in answer.json["Resources"]]


def encode(body: object) -> bytes:
    return json.dumps(body).encode()


def user(user_name: str, **attributes: object) -> dict[str, object]:
    """A person as Okta assigns one, with other attributes instead of, or besides, Okta's."""
    return {
        "schemas": [CORE_USER],
        "userName": user_name,
        "name": {"givenName": "Ann", "familyName": "Angel"},
        "emails": [{"primary": True, "value": user_name, "type": "work"}],
        "displayName": "Ann Angel",
        "active": True,
        **attributes,
    }


def group(name: str, *members: str) -> dict[str, object]:
    """A group as Okta pushes one."""
    return {
        "schemas": [CORE_GROUP],
        "displayName": name,
        "members": [{"value": member, "display": None} for member in members],
    }


def patch_op(*operations: object) -> dict[str, object]:
    return {"schemas": [PATCH_SCHEMA], "Operations": list(operations)}


def remove_member(key: str) -> dict[str, object]:
    return {"op": "remove", "path": f'members[value eq "{key}"]'}


def add_members(*keys: str) -> dict[str, object]:
    members = [{"value": key, "display": f"{key}@example.com"} for key in keys]
    return {"op": "add", "path": "members", "value": members}


def replace_members(*keys: str) -> dict[str, object]:
    return {"op": "replace", "path": "members", "value": [{"value": key} for key in keys]}


def checked(status: int, headers: Mapping[str, str], text: str) -> Answer:
    """The answer, which is one of SCIM's whatever was asked."""
    body: Any = json.loads(text) if text else None
    assert headers["Cache-Control"] == "no-store, private"
    assert "Authorization" in headers["Vary"]
    if status in (204, 304):
        assert text == ""
    else:
        assert headers["Content-Type"] == SCIM_JSON, text
        assert body["schemas"], text
    if status == 201:
        assert headers["Location"].endswith(f"/{body['id']}")
        assert headers["Location"] == body.get("meta", {}).get("location", headers["Location"])
    if status >= 400:
        _check_error(status, body)
    return Answer(status, headers, body, text)


def _check_error(status: int, body: Any) -> None:
    """RFC 7644 section 3.12. Okta shows the detail to its admin, so it is a sentence."""
    assert body["schemas"] == [ERROR_SCHEMA]
    assert body["status"] == str(status)
    assert body.keys() <= {"schemas", "status", "detail", "scimType"}
    assert body.get("scimType") in {None, *SCIM_TYPES}
    detail = body["detail"]
    assert " " in detail
    assert not any(trace in detail for trace in ("Traceback", "<class", ".py", "sys.", "Error("))


def case_id(value: object) -> str | None:
    """The name of a test with this body."""
    return json.dumps(value)[:40] if isinstance(value, dict) else None
