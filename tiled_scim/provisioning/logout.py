"""Find a person by a subject identifier (RFC 9493), and end the person's sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tiled_scim.errors import Cause, ScimError, not_found
from tiled_scim.host import HostAdapter
from tiled_scim.models import Action, UserLink
from tiled_scim.provisioning.reading import Reader
from tiled_scim.provisioning.resources import StoredResource
from tiled_scim.provisioning.service import Result, recorded
from tiled_scim.provisioning.users import UserService
from tiled_scim.schemas import USER
from tiled_scim.scim.elements import preferred
from tiled_scim.scim.grammar import Comparison
from tiled_scim.scim.identifiers import as_uuid
from tiled_scim.scim.text import fold
from tiled_scim.sql.filtering import condition
from tiled_scim.sql.search_time import limited

# The users with one address who are looked at. Usually, there is one.
MAX_WITH_ADDRESS = 100


@dataclass(frozen=True)
class Subject:
    """A person, as an identity provider names one.

    Args:
        format: A key of `FORMATS`.
        value: The value that identifies the person.
    """

    format: str
    value: str


@dataclass(frozen=True)
class Format:
    """A format of subject identifiers.

    Args:
        member: The member with the value.
        others: Other members that an identifier must have.
        find: Returns the users whom a value means.
    """

    member: str
    find: Callable[[Reader, str], Iterable[StoredResource]]
    others: tuple[str, ...] = ()


def find_person(adapter: HostAdapter, subject: Subject) -> UUID:
    """Return the SCIM id of the account's user whom a subject identifier means.

    Raises:
        ScimError: 404 if there is none; 422 if several users fit.
    """
    reader = Reader(USER, adapter)
    keys = {resource.key for resource in FORMATS[subject.format].find(reader, subject.value)}
    if not keys:
        raise not_found("The account has no such user.")
    if len(keys) > 1:
        raise ScimError(
            422,
            f"The {subject.format} subject fits {len(keys)} users of the account, so nobody was "
            "signed out. Identify the person by the SCIM id, with the format opaque.",
            cause=Cause.CLIENT,
        )
    return UUID(keys.pop())


class LogoutService(UserService):
    """End sessions of users. The method is one transaction."""

    @recorded
    def end_sessions(self, key: UUID) -> Result:
        """End all that a user is signed in with. What SCIM shows of the user stays the same.

        Raises:
            ScimError: 404; 403 for a protected user.
        """
        user, _document = self._changeable(key, None)
        link: UserLink = user.link
        if user.is_kept_elsewhere:
            self.adapter.end_account_sessions(link.user)
        else:
            self.adapter.end_sessions(link.user)
        return Result(self.changed(link, action=Action.SESSIONS_ENDED))


def _by_email(reader: Reader, address: str) -> list[StoredResource]:
    """Return the users with this address in the host or this userName, in any letter case."""
    has_address = Comparison("emails.value", "eq", address)
    rows = reader.links().filter(condition(has_address, USER, reader.adapter))
    with limited(rows.db):
        found = reader.read(list(reader.columns(rows)[:MAX_WITH_ADDRESS]))
    is_preferred = [user for user in found if _has_address(user.document, fold(address))]
    return [*is_preferred, *_by_user_name(reader, address)]


def _has_address(document: Mapping[str, Any], address: str) -> bool:
    """Return whether the host has this address, folded, if one of the user's addresses is it."""
    email = preferred(document["emails"], "value")
    return email is not None and fold(email["value"]) == address


def _by_user_name(reader: Reader, name: str) -> list[StoredResource]:
    return reader.find("user_name_canonical", UserLink.lookup_name(name))


def _by_identifier(reader: Reader, value: str) -> list[StoredResource]:
    """Return the users with this externalId or userName.

    Okta's `sub` is the id of its user, which it pushes as externalId; in an app with SAML, it is
    the name with which the person signs in.
    """
    return [*reader.find("external_id", value), *_by_user_name(reader, value)]


def _by_any(reader: Reader, value: str) -> list[StoredResource]:
    """Return the users with this SCIM id, externalId or userName."""
    key = as_uuid(value)
    by_key = reader.find("pk", key) if key else []
    return [*by_key, *_by_identifier(reader, value)]


FORMATS: Mapping[str, Format] = {
    "email": Format("email", _by_email),
    "iss_sub": Format("sub", _by_identifier, ("iss",)),
    "opaque": Format("id", _by_any),
}
