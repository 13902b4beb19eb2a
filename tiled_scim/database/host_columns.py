"""Search text columns of the host's tables without regard to case, with an index if possible.

On PostgreSQL, the index is on the expression that is compared. On MariaDB and MySQL, it is a plain
index, which works if the column's collation ignores case. SQLite has no such index, because it is
only for development.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache, cached_property
from typing import Any, cast

from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import truncate_name
from django.db.models import F, Index, Q, Value
from django.db.models.lookups import Exact, In
from django.db.models.sql.compiler import SQLCompiler

from tiled_scim.database.expressions import SQL, FoldedText
from tiled_scim.scim.text import fold

PREFIX = "tiled_scim_"

_POSTGRESQL_INDEX = """
    SELECT i.indisvalid, EXISTS (
        SELECT 1 FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid
    )
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = to_regclass(%s) AND c.relname = %s
"""
_POSTGRESQL_ROWS = "SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s)"
_MYSQL_ROWS = """
    SELECT table_rows FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_name = %s
"""
_MYSQL_COLLATION = """
    SELECT collation_name FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = %s AND column_name = %s
"""

# Collations that ignore the case of all letters, and of the most common ones.
_NEW_COLLATION = re.compile(
    r"utf8(mb[34])?_unicode_520(_nopad)?_ci"
    r"|(utf8mb[34]_)?uca1400(_nopad)?_a[is]_ci"
    r"|utf8mb4_0900_a[is]_ci"
)
_OLD_COLLATION = re.compile(r"utf8(mb[34])?_(general|unicode)(_nopad)?_ci")
# Letters whose case the old collations do not know reliably: all but those of most Latin alphabets.
_UNRELIABLE = re.compile("[^\0-\u017f]|\u0130")


class State(Enum):
    """The state of the index that lookups in a column need."""

    UNNEEDED = auto()  # the database is SQLite
    UNSUITABLE = auto()  # because of the collation, no index can help
    MISSING = auto()
    BUILDING = auto()  # another session creates it now
    INVALID = auto()  # a failed build left it behind
    PRESENT = auto()


@dataclass(frozen=True)
class HostColumn:
    """A text column of the host.

    Args:
        model: The model that has the field, or inherits it.
        name: The name of the field.
        using: The alias of the database to search.
    """

    model: type[models.Model]
    name: str
    using: str

    @classmethod
    def at(cls, model: type[models.Model], path: str) -> HostColumn:
        """Return the column at an ORM path from a model, in the database for writes."""
        *relations, name = path.split("__")
        for relation in relations:
            model = cast("type[models.Model]", model._meta.get_field(relation).related_model)
        owner = model._meta.get_field(name).model
        return cls(owner, name, router.db_for_write(owner))

    def __str__(self) -> str:
        """Return the table and the column, for messages."""
        return f"{self.table}.{self.column}"

    @property
    def table(self) -> str:
        """Return the name of the table."""
        return self.field.model._meta.db_table

    @property
    def column(self) -> str:
        """Return the name of the column."""
        return cast(str, self.field.column)

    @cached_property
    def field(self) -> models.Field[Any, Any]:
        """Return the model field of the column."""
        return cast("models.Field[Any, Any]", self.model._meta.get_field(self.name))

    @property
    def connection(self) -> BaseDatabaseWrapper:
        """Return the connection to the database to search."""
        return connections[self.using]

    def has_any_of(self, texts: Collection[str]) -> Q:
        """Return the condition that the column has one of some texts, ignoring case.

        MariaDB and MySQL may find more rows, because their collations also ignore accents, and some
        of them trailing spaces. The caller has to check the rows.

        Args:
            texts: The texts, at least one.
        """
        if self.connection.vendor == "mysql" and self._is_suitable:
            return Q((f"{self.name}__in", sorted(texts)))
        folded = sorted(set(map(fold, texts)))
        return Q(In(FoldedText(F(self.name)), [FoldedText(Value(text)) for text in folded]))

    @property
    def _is_suitable(self) -> bool:
        """Return whether the column's collation, on MariaDB or MySQL, ignores case.

        A column that is not in Unicode cannot be compared with texts that have other characters.
        """
        collation = _collation(self.using, self.table, self.column)
        return collation.startswith(("utf8", "uca1400")) and collation.endswith("_ci")

    # The index

    @property
    def index(self) -> Index:
        """Return the index that lookups need."""
        # The name has only letters, digits and underscores, and the maximum length of Django.
        name = re.sub(r"\W+", "_", f"{PREFIX}{self.table}_{self.column}")
        name = truncate_name(name, Index.max_name_length)
        if self.connection.vendor == "postgresql":
            return Index(FoldedText(F(self.name)), name=name)
        return Index(fields=[self.name], name=name)

    def state(self) -> State:
        """Return the state of the index. Asks the database."""
        match self.connection.vendor:
            case "postgresql":
                return self._state_on_postgresql()
            case "mysql":
                return self._state_on_mysql()
        return State.UNNEEDED

    def rows(self) -> int:
        """Return the approximate number of rows of the table, from the database's statistics."""
        match self.connection.vendor:
            case "postgresql":
                found = self._ask(_POSTGRESQL_ROWS, [self._quoted_table])
            case "mysql":
                found = self._ask(_MYSQL_ROWS, [self.table])
            case _:
                found = None
        # PostgreSQL returns -1 for a table without statistics.
        return max(0, int(found[0] or 0)) if found else 0

    def creation(self, state: State) -> list[str]:
        """Return the statements that create the index.

        Args:
            state: The current state. An invalid index is dropped first.
        """
        created = str(self._statement("create_sql"))
        if self.connection.vendor != "postgresql":
            return [created]
        created = created.replace("CONCURRENTLY", "CONCURRENTLY IF NOT EXISTS", 1)
        # Without statistics for the expression, PostgreSQL expects too many rows from a lookup.
        statements = [created, f"ANALYZE {self._quoted_table}"]
        return (self.removal() if state is State.INVALID else []) + statements

    def removal(self) -> list[str]:
        """Return the statements that drop the index."""
        return [str(self._statement("remove_sql"))]

    def has_own_index(self) -> bool:
        """Return whether an index with our name exists, valid or not."""
        return self.index.name in self._constraints()

    def _statement(self, method: str) -> Any:
        is_concurrent = self.connection.vendor == "postgresql"
        options = {"concurrently": True} if is_concurrent else {}
        with self.connection.schema_editor(collect_sql=True, atomic=False) as editor:
            return getattr(self.index, method)(self.field.model, editor, **options)

    def _constraints(self) -> dict[str, Any]:
        with self.connection.cursor() as cursor:
            return dict(self.connection.introspection.get_constraints(cursor, self.table))

    def _ask(self, query: str, parameters: list[str]) -> Any:
        with self.connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchone()

    @property
    def _quoted_table(self) -> str:
        return self.connection.ops.quote_name(self.table)

    def _state_on_postgresql(self) -> State:
        found = self._ask(_POSTGRESQL_INDEX, [self._quoted_table, self.index.name])
        if found is None:
            return State.MISSING
        is_valid, is_building = found
        if is_valid:
            return State.PRESENT
        return State.BUILDING if is_building else State.INVALID

    def _state_on_mysql(self) -> State:
        if not self._is_suitable:
            return State.UNSUITABLE
        indexes = (each for each in self._constraints().values() if each["index"] or each["unique"])
        serves = any(index["columns"][:1] == [self.column] for index in indexes)
        return State.PRESENT if serves else State.MISSING


class SameFolded(Exact):
    """Test whether a text column equals a text, ignoring case.

    PostgreSQL uses the index on `FoldedText` of the column. MariaDB and MySQL have no such index.
    There, an index on the column finds the rows that are equal in the column's collation, and
    `FoldedText` selects among them. No index is used for letters whose case an old collation does
    not know reliably. An old collation may still miss the Kelvin and Angstrom signs and the capital
    sharp s, which it distinguishes from "k", "å" and "ß".
    """

    def __init__(self, column: F, text: str) -> None:
        super().__init__(FoldedText(column), FoldedText(Value(text)))

    def as_mysql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> SQL:
        sql, params = super().as_sql(compiler, connection)
        column, text = self.lhs.operands[0], cast(Any, self.rhs).operands[0]
        table = column.target.model._meta.db_table
        if not _finds(_collation(connection.alias, table, column.target.column), text.value):
            return sql, tuple(params)
        as_it_is, its_params = compiler.compile(Exact(column, text))
        return f"{as_it_is} AND {sql}", (*its_params, *params)


def _finds(collation: str, text: str) -> bool:
    """Return whether all texts that are equal for `FoldedText` are equal in a collation.

    This is true for most collations, but in a Turkish one, "I" is not the capital "i".
    """
    if _NEW_COLLATION.fullmatch(collation):
        return True
    return bool(_OLD_COLLATION.fullmatch(collation)) and not _UNRELIABLE.search(text)


@cache
def _collation(using: str, table: str, column: str) -> str:
    """Return the collation of a column on MariaDB or MySQL, or "" if it has none.

    Each process asks the database once.

    Raises:
        LookupError: if the column does not exist (yet).
    """
    with connections[using].cursor() as cursor:
        cursor.execute(_MYSQL_COLLATION, [table, column])
        found = cursor.fetchone()
    if found is None:
        raise LookupError(f"The database has no column {table}.{column}")
    return found[0] or ""
