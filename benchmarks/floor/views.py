"""Views that answer the requests of the comparison with as little work as possible.

They do everything that a correct server has to do: look up the token by its digest, lock rows
before changing them, write a change and its event in one transaction, and return the same
attributes. They do not validate requests, and support only the form that the comparison sends.
`docs/performance.md` lists the statements of each operation.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from hashlib import sha256
from typing import Any, TypeVar
from uuid import UUID, uuid4

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from benchmarks.comparison.dataset import GROUP_SCHEMA, USER_SCHEMA

from . import tables
from .tables import GroupRow, UserRow

LIST_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
FILTER = re.compile(r'userName eq "([^"]*)"')
MEMBER_PATH = re.compile(r'members\[value eq "([^"]*)"\]')

Document = dict[str, Any]
Row = TypeVar("Row")
View = Callable[..., HttpResponse]


class NotFoundError(Exception):
    """The user or group does not exist."""


def endpoint(view: View) -> View:
    """Check the token, and answer 404 for resources that do not exist."""

    @csrf_exempt
    @wraps(view)
    def checked(request: HttpRequest, *arguments: Any, **keywords: Any) -> HttpResponse:
        plaintext = request.headers.get("Authorization", "").removeprefix("Bearer ")
        account = tables.account_of(sha256(plaintext.encode()).hexdigest())
        if account is None:
            return answer({"status": "401"}, 401)
        try:
            return view(request, account, *arguments, **keywords)
        except NotFoundError:
            return answer({"status": "404"}, 404)

    return checked


@endpoint
def users(request: HttpRequest, account: str) -> HttpResponse:
    """List users, or create one."""
    if request.method == "POST":
        return create_user(request, account)
    parameters = request.GET
    if match := FILTER.fullmatch(parameters.get("filter", "")):
        found = tables.users_named(account, match[1])
        return answer(listed(user_documents(request, found), len(found), startIndex=1))
    count = int(parameters.get("count", 10))
    if "cursor" in parameters:
        return page_by_cursor(request, account, count)
    start = int(parameters.get("startIndex", 1))
    total = tables.count_users(account)
    found = tables.users_from(account, start - 1, count)
    return answer(listed(user_documents(request, found), total, startIndex=start))


def page_by_cursor(request: HttpRequest, account: str, count: int) -> HttpResponse:
    """Return the page after a cursor, which contains the total and the last row's position."""
    cursor = request.GET["cursor"]
    if cursor:
        total, created_at, key = json.loads(base64.urlsafe_b64decode(cursor))
        found = tables.users_beyond(account, created_at, key, count)
    else:
        total = tables.count_users(account)
        found = tables.users_from(account, 0, count)
    last = found[-1]
    position = json.dumps([total, last.created_at.isoformat(), last.id])
    cursor = base64.urlsafe_b64encode(position.encode()).decode()
    return answer(listed(user_documents(request, found), total, nextCursor=cursor))


def create_user(request: HttpRequest, account: str) -> HttpResponse:
    """Create a user."""
    sent, now, key = json.loads(request.body), timezone.now(), str(uuid4())
    about = ("User", key, sent["userName"])
    with transaction.atomic():
        host = tables.insert_user(account, key, sent, make_password(None), now)
        tables.insert_event(account, "POST", about, "user_provisioned", sent, 201)
    row = UserRow(
        *(key, sent["externalId"], sent["userName"], tables.kept(sent), 1, now, now, host),
        *(*tables.names_of(sent), None),
    )
    [document] = user_documents(request, [row])
    headers = {"Location": document["meta"]["location"], "ETag": document["meta"]["version"]}
    return answer(document, 201, headers)


@endpoint
def user(request: HttpRequest, account: str, key: UUID) -> HttpResponse:
    """Return, replace or patch a user."""
    if request.method == "GET":
        row = existing(tables.user(account, str(key)))
    else:
        row = change_user(request, account, str(key))
    [document] = user_documents(request, [row])
    return answer(document, 200, {"ETag": document["meta"]["version"]})


def change_user(request: HttpRequest, account: str, key: str) -> UserRow:
    """Replace a user, or set `active`."""
    sent = json.loads(request.body)
    with transaction.atomic():
        old = existing(tables.locked_user(account, key))
        if request.method == "PUT":
            row = replaced(old, sent)
            tables.update_user(row)
        else:
            active = sent["Operations"][0]["value"]["active"]
            row = touched(old, is_active=active)
            tables.update_active(row)
        about = ("User", key, row.user_name)
        tables.insert_event(
            account, str(request.method), about, "user_updated", changes_of(old, row), 200
        )
    return row


def replaced(row: UserRow, sent: Document) -> UserRow:
    """Return the row of a user after a PUT."""
    first_name, last_name, email, is_active = tables.names_of(sent)
    return touched(
        row,
        external_id=sent["externalId"],
        user_name=sent["userName"],
        attributes=tables.kept(sent),
        first_name=first_name,
        last_name=last_name,
        email=email,
        is_active=is_active,
    )


def touched(row: UserRow, **values: Any) -> UserRow:
    return row._replace(**values, version=row.version + 1, updated_at=timezone.now())


def changes_of(old: UserRow, new: UserRow) -> Document:
    """Return the old and new values that differ."""
    pairs = zip(old._fields, old, new, strict=True)
    return {name: [str(before), str(after)] for name, before, after in pairs if before != after}


@endpoint
def groups(request: HttpRequest, account: str) -> HttpResponse:
    """List groups without members, or create one."""
    if request.method == "POST":
        return create_group(request, account)
    start, count = int(request.GET["startIndex"]), int(request.GET["count"])
    total = tables.count_groups(account)
    found = tables.groups_from(account, start - 1, count)
    documents = [group_document(request, row) for row in found]
    return answer(listed(documents, total, startIndex=start))


def create_group(request: HttpRequest, account: str) -> HttpResponse:
    """Create a group with members."""
    sent, now, key = json.loads(request.body), timezone.now(), str(uuid4())
    name = sent["displayName"]
    with transaction.atomic():
        library = tables.insert_group(account, key, name, now)
        added = tables.insert_members(account, key, library, keys_of(sent["members"]), now)
        changes = {"added": summary([name for _, name in added])}
        about = ("Group", key, name)
        tables.insert_event(account, "POST", about, "library_linked", changes, 201)
    document = group_document(request, GroupRow(key, name, 1, now, now, library), added)
    headers = {"Location": document["meta"]["location"], "ETag": document["meta"]["version"]}
    return answer(document, 201, headers)


@endpoint
def group(request: HttpRequest, account: str, key: UUID) -> HttpResponse:
    """Return or delete a group, or patch its members."""
    if request.method == "PATCH":
        return patch_members(request, account, str(key))
    row = existing(tables.group(account, str(key)))
    if request.method == "DELETE":
        tables.delete_group(row)
        return HttpResponse(status=204)
    has_members = request.GET.get("excludedAttributes") != "members"
    document = group_document(request, row, tables.members(row.id) if has_members else ())
    return answer(document, 200, {"ETag": document["meta"]["version"]})


def patch_members(request: HttpRequest, account: str, key: str) -> HttpResponse:
    """Add, remove or replace members."""
    operations, now = json.loads(request.body)["Operations"], timezone.now()
    with transaction.atomic():
        row = existing(tables.locked_group(account, key))
        joining, leaving = difference(operations, key)
        added = tables.insert_members(account, key, row.library, joining, now)
        removed = tables.delete_members(key, row.library, leaving)
        tables.touch_group(row, now)
        changes = {"added": summary([name for _, name in added]), "removed": summary(removed)}
        about = ("Group", key, row.display_name)
        tables.insert_event(account, "PATCH", about, "access_changed", changes, 204)
    return HttpResponse(status=204, headers={"ETag": f'W/"{row.version + 1}"'})


def difference(
    operations: Iterable[Mapping[str, Any]], group_key: str
) -> tuple[set[str], set[str]]:
    """Return the ids of users to add and of members to remove."""
    added: set[str] = set()
    removed: set[str] = set()
    for operation in operations:
        if match := MEMBER_PATH.fullmatch(operation["path"]):
            removed.add(match[1])
            continue
        keys = keys_of(operation["value"])
        if operation["op"] == "add":
            added |= keys
        elif operation["op"] == "remove":
            removed |= keys
        else:
            current = tables.member_keys(group_key)
            added, removed = keys - current, current - keys
    return added, removed


def keys_of(members: Iterable[Mapping[str, str]]) -> set[str]:
    return {member["value"] for member in members}


def summary(names: Sequence[str]) -> Document:
    """Return the number of names, and the first ones, for an event."""
    return {"number": len(names), "names": names[:100]}


def existing(row: Row | None) -> Row:
    """Return a row that exists.

    Raises:
        NotFoundError: it does not exist.
    """
    if row is None:
        raise NotFoundError
    return row


def user_documents(request: HttpRequest, rows: Iterable[UserRow]) -> list[Document]:
    """Return users as JSON documents."""
    users_location, groups_location = place(request, "Users"), place(request, "Groups")
    return [user_document(row, users_location, groups_location) for row in rows]


def user_document(row: UserRow, users_location: str, groups_location: str) -> Document:
    document = {
        "schemas": [USER_SCHEMA],
        "id": row.id,
        "externalId": row.external_id,
        "userName": row.user_name,
        "name": {"givenName": row.first_name, "familyName": row.last_name},
        **tables.kept(row.attributes),
        "active": row.is_active,
        "emails": [{"value": row.email, "type": "work", "primary": True}],
        "meta": meta("User", row, f"{users_location}/{row.id}"),
    }
    if row.groups:
        document["groups"] = [
            {"value": key, "$ref": f"{groups_location}/{key}", "display": name, "type": "direct"}
            for key, name in row.groups
        ]
    return document


def group_document(
    request: HttpRequest, row: GroupRow, members: Iterable[tuple[str, str]] = ()
) -> Document:
    document: Document = {
        "schemas": [GROUP_SCHEMA],
        "id": row.id,
        "displayName": row.display_name,
        "meta": meta("Group", row, f"{place(request, 'Groups')}/{row.id}"),
    }
    location = place(request, "Users")
    shown = [
        {"value": key, "$ref": f"{location}/{key}", "type": "User", "display": name}
        for key, name in members
    ]
    return {**document, "members": shown} if shown else document


def meta(resource_type: str, row: UserRow | GroupRow, location: str) -> Document:
    return {
        "resourceType": resource_type,
        "created": row.created_at.isoformat(),
        "lastModified": row.updated_at.isoformat(),
        "location": location,
        "version": f'W/"{row.version}"',
    }


def place(request: HttpRequest, name: str) -> str:
    """Return the URL of an endpoint."""
    return f"{request.scheme}://{request.get_host()}/floor/{name}"


def listed(documents: list[Document], total: int, **position: object) -> Document:
    return {
        "schemas": [LIST_SCHEMA],
        "totalResults": total,
        **position,
        "itemsPerPage": len(documents),
        "Resources": documents,
    }


def answer(
    document: Document, status: int = 200, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    content = json.dumps(document)
    return HttpResponse(content, "application/scim+json", status, headers=headers)
