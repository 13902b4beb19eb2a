"""Plan the change of a user: what differs, and where each value goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tiled_scim.database.host_models import (
    canonical_username,
    canonical_value,
    unique_columns,
    username_column,
)
from tiled_scim.host import HostAdapter
from tiled_scim.models import UserLink
from tiled_scim.provisioning.documents import (
    HostValues,
    StoredValues,
    hidden_values,
    host_changes,
    host_input,
    split,
    split_apart,
    with_unnamed_booleans,
    with_username,
)
from tiled_scim.provisioning.locked_user import LockedUser
from tiled_scim.provisioning.service import column_changes
from tiled_scim.schemas import USER
from tiled_scim.scim.cleaning import Document
from tiled_scim.sql.host_fields import HostFields, stored_fields


@dataclass(frozen=True)
class Plan:
    """What a write will change.

    Args:
        columns: The new values of the link's columns, including its JSON.
        host: The new values of the host user, by attribute. None clears a value.
        own: The new values of the person that the link keeps for the account. They are among the
            columns, too.
    """

    columns: dict[str, Any]
    host: HostValues
    own: HostValues

    @property
    def is_empty(self) -> bool:
        return not (self.columns or self.host)


class UserPlanner:
    """Plan changes of users in one account.

    Args:
        adapter: The host adapter for the account.
        fields: The attributes that are stored in the host.
    """

    def __init__(self, adapter: HostAdapter, fields: HostFields) -> None:
        self.adapter = adapter
        self.fields = fields

    def plan(
        self, user: LockedUser, before: Document, document: Document, *, removes: bool = False
    ) -> Plan:
        """Return the plan of a write.

        Args:
            user: The user.
            before: The current document.
            document: The document that the user should have.
            removes: Whether absent booleans are removed, see `hidden_values`.
        """
        link, current = user.link, user.host
        if self.adapter.account and before:
            document = with_username(document, before, self.fields)
        if self.adapter.account and not removes:
            # After a user was unlinked or replaced, the document may be that of another person.
            known = before if link.is_live and not user.is_replaced else {}
            document = with_unnamed_booleans(document, known, self.fields)
        keeps_own_values = self._keeps_own_values(user, before, document)
        fields = stored_fields(self.fields, keeps_own_values=keeps_own_values)
        stored = (
            split_apart(document, self.fields)
            if keeps_own_values
            else split(document, USER, fields)
        )
        hidden = _hidden_values(user, stored, fields, removes=removes)
        host = host_changes(
            stored.host,
            current,
            fields,
            hidden=hidden if removes else {},
            # An adopted user keeps the values that the client did not send.
            clears=not user.is_new,
        )
        if not link.belongs:
            # A new membership may differ from an inactive one without any values.
            names = {field.name for field in fields if field.is_membership}
            host |= {name: value for name, value in stored.host.items() if name in names}
        is_renamed = link.user_name != document["userName"]
        if is_renamed and not keeps_own_values and host_name_follows(link):
            host["userName"] = document["userName"]
        if user.is_new and not user.was_created:
            self._keep_email(user, host)
        columns = column_changes(link, stored)
        for name, value in (("hidden_values", hidden), ("keeps_own_values", keeps_own_values)):
            if getattr(link, name) != value:
                columns[name] = value
        own = self._changed(user, before, document) if keeps_own_values else {}
        return Plan(columns, host, own)

    def _keeps_own_values(self, user: LockedUser, before: Document, document: Document) -> bool:
        """Return whether the link will keep the values of the person, see `UserLink`.

        This is only asked if they change.
        """
        link = user.link
        if not self.adapter.account:
            return False
        if user.was_created:
            return self._was_name_chosen(user, document)
        old, new = self._person(before), self._person(document)
        if not user.is_new and old == new:
            return link.keeps_own_values
        return not self.adapter.may_change_person(link.user, host_input(new))

    def _changed(self, user: LockedUser, before: Document, document: Document) -> HostValues:
        """Return the values of the person that change. Those of a created user were checked."""
        if user.was_created:
            return {}
        old, new = self._person(before), self._person(document)
        return {name: value for name, value in new.items() if value != old.get(name)}

    def _keep_email(self, user: LockedUser, host: HostValues) -> None:
        """Leave an adopted user the address that people gave, unless it may be replaced.

        The response has it, too, because the host's value is the value.
        """
        name = "emails.value"
        if not (name in host and user.host.get(name)):
            return
        if not self.adapter.may_replace_email(user.link.user, host[name]):
            del host[name]

    def _was_name_chosen(self, user: LockedUser, document: Document) -> bool:
        """Return whether the host gave a new user another username or address than was sent.

        So nobody learns that somebody in another account has it.
        """
        sent = self._person(document)
        for field in self.fields:
            if field.is_private and field.column in unique_columns():
                default = sent["userName"] if field.column == username_column() else ""
                old, new = user.host.get(field.name) or "", sent.get(field.name) or default
                if canonical_value(field.column, old) != canonical_value(field.column, new):
                    return True
        return False

    def _person(self, document: Document) -> HostValues:
        """Return the values of a document that are the person's, not the account's."""
        if not document:
            return {}
        host = split(document, USER, self.fields).host
        private = {field.name: host.get(field.name) for field in self.fields if field.is_private}
        return {"userName": document["userName"], **private}


def _hidden_values(
    user: LockedUser, stored: StoredValues, fields: HostFields, *, removes: bool
) -> dict[str, bool]:
    if not user.is_new:
        before = user.link.hidden_values
        return hidden_values(stored.host, user.host, before, fields, removes=removes)
    return {
        each.name: False
        for each in fields
        if each.is_boolean
        and each.is_writable
        and each.name not in stored.host
        and not user.host.get(each.name)
    }


def host_name_follows(link: UserLink) -> bool:
    """Return whether the host's username changes together with userName.

    A user who was adopted by email address keeps the username that the host gave.
    """
    return canonical_username(link.user.get_username()) == canonical_username(link.user_name)
