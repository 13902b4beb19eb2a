"""The host's account model: the rows that a page shows or asks about, and never all of them.

A host may have a hundred thousand accounts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from typing import Any, overload

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import connections
from django.db.models import F, Model, Q, QuerySet

from tiled_scim.database.expressions import ColumnText


class AccountRows(Sequence[tuple[str, str]]):
    """The keys and labels of accounts, in order. A slice reads only its rows.

    Args:
        rows: The accounts.
    """

    def __init__(self, rows: QuerySet[Any]) -> None:
        self._rows = rows

    @cached_property
    def _number(self) -> int:
        return self._rows.count()

    def __len__(self) -> int:
        return self._number

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return map(key_and_label, self._rows.iterator())

    @overload
    def __getitem__(self, place: int) -> tuple[str, str]: ...
    @overload
    def __getitem__(self, place: slice) -> list[tuple[str, str]]: ...
    def __getitem__(self, place: int | slice) -> tuple[str, str] | list[tuple[str, str]]:
        if isinstance(place, slice):
            return [key_and_label(row) for row in self._rows[place]]
        return key_and_label(self._rows[place])


def key_and_label(account: Model) -> tuple[str, str]:
    """Return the key of an account, and what people call it."""
    return str(account.pk), str(account)


def labels(accounts: QuerySet[Any], keys: Collection[str]) -> dict[str, str]:
    """Return the labels of the accounts with these keys, without keys that no account has."""
    rows = accounts.filter(pk__in=_primary_keys(accounts.model, keys))
    # A key has one spelling: “007” is not the account 7, whatever the database says.
    return {key: label for key, label in map(key_and_label, rows) if key in keys}


def found(accounts: QuerySet[Any], term: str, name_field: str) -> AccountRows:
    """Return the accounts that a term finds: a part of the name, or a complete key.

    Args:
        accounts: The accounts to search.
        term: The term. "" finds all.
        name_field: The column with the name. Without it, only keys are found.
    """
    model = accounts.model
    if term:
        condition = Q(pk__in=_primary_keys(model, [term]))
        if _has_column(model, name_field):
            condition |= Q((f"{name_field}__icontains", term))
        accounts = accounts.filter(condition)
    return AccountRows(accounts.order_by(*model._meta.ordering, "pk"))


def missing(accounts: QuerySet[Any], rows: QuerySet[Any]) -> set[str]:
    """Return the keys in the column `account` of some rows that no account has.

    The database compares them in one pass. A join on a converted key would use no index.
    """
    existing = accounts.order_by().annotate(key=ColumnText(F("pk"))).values_list("key")
    keys = rows.order_by().values_list("account")
    if connections[rows.db].vendor == "postgresql":
        # NOT IN compares each with each there if the keys do not fit into its memory for hashing.
        missing = keys.difference(existing)
    else:
        missing = keys.exclude(account__in=existing)  # MySQL 8.0 has no EXCEPT
    return {key for (key,) in missing}


def _primary_keys(model: type[Model], keys: Collection[str]) -> list[Any]:
    """Return the primary keys that some texts can be."""
    field: Any = model._meta.pk
    values = []
    for key in keys:
        try:
            values.append(field.to_python(key))
        except ValidationError:
            continue
    # PostgreSQL refuses a query with a NUL.
    return [value for value in values if "\0" not in str(value)]


def _has_column(model: type[Model], name: str) -> bool:
    try:
        return bool(model._meta.get_field(name).concrete)
    except FieldDoesNotExist:
        return False
