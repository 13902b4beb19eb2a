"""The least that answers the requests of the comparison: no DRF, no forms, no model instances.

Everything that a correct server must do is done: the token is looked up by its digest, what is
changed is locked first, a write and its event are one transaction, and answers have the same
attributes. Nothing is checked that the comparison's requests do not get wrong, and one form of each
request is understood. `docs/performance.md` lists what each operation does.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
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
    """There is no such user or group."""


def endpoint(view: View) -> View:
    """Let in whoever has the token, and answer 404 for what is not there."""

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
    """GET a list, or POST."""
    if request.method == "POST":
        return create_user(request, account)
    parameters = request.GET
    if match := FILTER.fullmatch(parameters.get("filter", "")):
        found = tables.users_named(account, match[1])
        return answer(listed(user_documents(request, found), len(found)))
    count = int(parameters.get("count", 10))
    if "cursor" in parameters:
        return page_by_cursor(request, account, count)
    start = int(parameters.get("startIndex", 1))
    total = tables.count_users(account)
    found = tables.users_from(account, start - 1, count)
    return answer(listed(user_documents(request, found), total, startIndex=start))


def page_by_cursor(request: HttpRequest, account: str, count: int) -> HttpResponse:
    """The page beyond the last row of the one before; the cursor has the total, too."""
    cursor = request.GET["cursor"]
    if cursor:
        total, created_at, key = json.loads(base64.urlsafe_b64decode(cursor))
        found = tables.users_beyond(account, datetime.fromisoformat(created_at), UUID(key), count)
    else:
        total = tables.count_users(account)
        found = tables.users_from(account, 0, count)
    last = found[-1]
    position = json.dumps([total, last.created_at.isoformat(), str(last.id)])
    cursor = base64.urlsafe_b64encode(position.encode()).decode()
    return answer(listed(user_documents(request, found), total, nextCursor=cursor))


def create_user(request: HttpRequest, account: str) -> HttpResponse:
    """POST: the host user, the link and the event, in one transaction."""
    sent, now, key = json.loads(request.body), timezone.now(), uuid4()
    with transaction.atomic():
        host = tables.insert_host_user(sent, make_password(None), now)
        tables.insert_user(account, key, host, sent, now)
        tables.insert_event(account, "User", key, sent["userName"], "user_provisioned", sent, 201)
    values = (sent["name"]["givenName"], sent["name"]["familyName"], sent["emails"][0]["value"])
    row = UserRow(
        *(key, sent["externalId"], sent["userName"], tables.kept(sent), 1, now, now, host),
        *(*values, sent["active"]),
    )
    document = user_document(request, row, [])
    headers = {"Location": document["meta"]["location"], "ETag": document["meta"]["version"]}
    return answer(document, 201, headers)


@endpoint
def user(request: HttpRequest, account: str, key: UUID) -> HttpResponse:
    """GET, PUT or PATCH."""
    if request.method == "GET":
        [document] = user_documents(request, [existing(tables.user(account, key))])
        return answer(document, 200, {"ETag": document["meta"]["version"]})
    sent = json.loads(request.body)
    with transaction.atomic():
        row = existing(tables.locked_user(account, key))
        if request.method == "PUT":
            row, changes = replaced(row, sent)
            tables.update_user(row)
        else:
            active = sent["Operations"][0]["value"]["active"]
            changes = {"active": [row.is_active, active]}
            row = row._replace(is_active=active, version=row.version + 1, updated_at=timezone.now())
            tables.update_active(row)
        tables.insert_event(account, "User", key, row.user_name, "user_updated", changes, 200)
    [document] = user_documents(request, [row])
    return answer(document, 200, {"ETag": document["meta"]["version"]})


def replaced(row: UserRow, sent: Document) -> tuple[UserRow, Document]:
    """A user's row after a PUT, and what differs."""
    new = row._replace(
        external_id=sent["externalId"],
        user_name=sent["userName"],
        attributes=tables.kept(sent),
        version=row.version + 1,
        updated_at=timezone.now(),
        first_name=sent["name"]["givenName"],
        last_name=sent["name"]["familyName"],
        email=sent["emails"][0]["value"],
        is_active=sent["active"],
    )
    pairs = zip(row._fields, row, new, strict=True)
    changes = {name: [str(old), str(value)] for name, old, value in pairs if old != value}
    return new, changes


@endpoint
def groups(request: HttpRequest, account: str) -> HttpResponse:
    """GET a list without members, or POST."""
    if request.method == "POST":
        return create_group(request, account)
    start, count = int(request.GET["startIndex"]), int(request.GET["count"])
    total = tables.count_groups(account)
    found = tables.groups_from(account, start - 1, count)
    documents = [group_document(request, row) for row in found]
    return answer(listed(documents, total, startIndex=start))


def create_group(request: HttpRequest, account: str) -> HttpResponse:
    """POST: the Library, the link, the members, their access and the event."""
    sent, now, key = json.loads(request.body), timezone.now(), uuid4()
    name, members = sent["displayName"], keys_of(sent["members"])
    with transaction.atomic():
        library = tables.insert_library(name)
        tables.insert_group(account, key, library, name, now)
        people = tables.people(account, members)
        tables.insert_members(key, library, people)
        names = {"added": summary(name for _, _, name in people)}
        tables.insert_event(account, "Group", key, name, "library_linked", names, 201)
    row = GroupRow(key, None, name, {}, 1, now, now, library)
    document = group_document(request, row)
    document["members"] = [member(request, link, name) for link, _, name in people]
    headers = {"Location": document["meta"]["location"], "ETag": document["meta"]["version"]}
    return answer(document, 201, headers)


@endpoint
def group(request: HttpRequest, account: str, key: UUID) -> HttpResponse:
    """GET, PATCH of members or DELETE."""
    if request.method == "PATCH":
        return patch_members(request, account, key)
    if request.method == "DELETE":
        tables.delete_group(existing(tables.group(account, key)))
        return HttpResponse(status=204)
    row = existing(tables.group(account, key))
    document = group_document(request, row)
    if request.GET.get("excludedAttributes") != "members":
        members = tables.members(row.id)
        document["members"] = [member(request, link, name) for link, name in members]
    return answer(document, 200, {"ETag": document["meta"]["version"]})


def patch_members(request: HttpRequest, account: str, key: UUID) -> HttpResponse:
    """Add, remove or replace members, as one difference of sets."""
    operations = json.loads(request.body)["Operations"]
    with transaction.atomic():
        row = existing(tables.locked_group(account, key))
        added, removed = changes_of(operations, row)
        joining = tables.people(account, added)
        leaving = tables.people(account, removed)
        tables.insert_members(row.id, row.library, joining)
        tables.delete_members(row.id, row.library, leaving)
        tables.touch_group(row, timezone.now())
        names = {
            "added": summary(name for _, _, name in joining),
            "removed": summary(name for _, _, name in leaving),
        }
        tables.insert_event(account, "Group", key, row.display_name, "access_changed", names, 204)
    response = HttpResponse(status=204)
    response.headers["ETag"] = f'W/"{row.version + 1}"'
    return response


def changes_of(
    operations: Iterable[Mapping[str, Any]], row: GroupRow
) -> tuple[set[UUID], set[UUID]]:
    """Who is added, and who is removed."""
    added: set[UUID] = set()
    removed: set[UUID] = set()
    for operation in operations:
        if match := MEMBER_PATH.fullmatch(operation["path"]):
            removed.add(UUID(match[1]))
            continue
        keys = keys_of(operation["value"])
        if operation["op"] == "add":
            added |= keys
        elif operation["op"] == "remove":
            removed |= keys
        else:
            current = tables.member_keys(row.id)
            added, removed = keys - current, current - keys
    return added, removed


def keys_of(members: Iterable[Mapping[str, str]]) -> set[UUID]:
    return {UUID(member["value"]) for member in members}


def summary(names: Iterable[str]) -> Document:
    """What an event keeps of many names."""
    kept = list(names)
    return {"number": len(kept), "names": kept[:100]}


def existing(row: Row | None) -> Row:
    """The row.

    Raises:
        NotFoundError: there is none.
    """
    if row is None:
        raise NotFoundError
    return row


def user_documents(request: HttpRequest, rows: list[UserRow]) -> list[Document]:
    """Users as JSON, with their groups, which are one query."""
    groups_of = tables.groups_of([row.id for row in rows])
    return [user_document(request, row, groups_of.get(row.id, [])) for row in rows]


def user_document(
    request: HttpRequest, row: UserRow, groups_of: Iterable[tuple[UUID, str]]
) -> Document:
    location = place(request, "Users")
    document = {
        "schemas": [USER_SCHEMA],
        "id": str(row.id),
        "externalId": row.external_id,
        "userName": row.user_name,
        "name": {"givenName": row.first_name, "familyName": row.last_name},
        **row.attributes,
        "active": row.is_active,
        "emails": [{"value": row.email, "type": "work", "primary": True}],
        "meta": meta("User", row, f"{location}/{row.id}"),
    }
    group_location = place(request, "Groups")
    shown = [
        {"value": str(key), "$ref": f"{group_location}/{key}", "display": name, "type": "direct"}
        for key, name in groups_of
    ]
    return {**document, "groups": shown} if shown else document


def group_document(request: HttpRequest, row: GroupRow) -> Document:
    return {
        "schemas": [GROUP_SCHEMA],
        "id": str(row.id),
        "displayName": row.display_name,
        "meta": meta("Group", row, f"{place(request, 'Groups')}/{row.id}"),
    }


def member(request: HttpRequest, key: UUID, name: str) -> Document:
    return {
        "value": str(key),
        "$ref": f"{place(request, 'Users')}/{key}",
        "type": "User",
        "display": name,
    }


def meta(resource_type: str, row: UserRow | GroupRow, location: str) -> Document:
    return {
        "resourceType": resource_type,
        "created": row.created_at.isoformat(),
        "lastModified": row.updated_at.isoformat(),
        "location": location,
        "version": f'W/"{row.version}"',
    }


def place(request: HttpRequest, name: str) -> str:
    """The address of an endpoint."""
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
