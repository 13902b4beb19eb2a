"""Refuse usernames and email addresses outside of the domains of an account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from tiled_scim.database.host_models import lookup_columns
from tiled_scim.errors import Cause, invalid_value
from tiled_scim.host import HostAdapter
from tiled_scim.provisioning.documents import split
from tiled_scim.schemas import USER
from tiled_scim.scim.cleaning import Document
from tiled_scim.scim.domains import is_within
from tiled_scim.sql.host_fields import HostFields
from tiled_scim.words import english_words

# The maximum number of domains in an error.
DOMAINS_SHOWN = 5


def check_domains(
    adapter: HostAdapter, fields: HostFields, document: Document, before: Document | None = None
) -> None:
    """Refuse values outside of `HostAdapter.domains`, if they are new.

    What a user has already is not refused, because a user outside must be deactivated, too.

    Args:
        adapter: The host adapter for the account.
        fields: The attributes that are stored in the host.
        document: The document that the user should have.
        before: The document whose values are known. None if all are new.

    Raises:
        ScimError: 400.
    """
    new = dict(_addresses(document, fields))
    known = dict(_addresses(before, fields)) if before else {}
    new = {name: value for name, value in new.items() if value != known.get(name)}
    domains = adapter.domains() if new else None
    if domains is None:
        return
    for name, value in new.items():
        if not is_within(value, domains):
            shown = ", ".join(sorted(domains)[:DOMAINS_SHOWN]) or "none"
            product = english_words()["product"]
            raise invalid_value(
                f"{name} “{value}” is not an email address at a domain that this connection may "
                f"use: {shown}. Change {name} in your identity provider, or ask an administrator "
                f"of {product} to add the domain.",
                Cause.OUTSIDE_DOMAINS,
            )


def _addresses(document: Document, fields: HostFields) -> Iterator[tuple[str, str]]:
    """Yield the names and values that a person can be found by or written to in the host."""
    yield "userName", cast(str, document["userName"])
    host = split(document, USER, fields).host
    for field in fields:
        value = host.get(field.name)
        if value and (field.name == "emails.value" or field.column in lookup_columns()):
            yield field.name.partition(".value")[0], str(value)
