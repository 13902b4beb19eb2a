"""Text columns of the host's tables: searched in any letter case, by an index if there is one.

The index differs between databases. PostgreSQL has one on the expression that is compared. MariaDB
and MySQL have a plain one, which serves where the column's collation ignores letter case. SQLite
has none: it is for development.
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

# Collations that ignore the case of every letter that `_LETTERS` knows, and of the commonest ones.
_NEW_COLLATION = re.compile(
    r"utf8(mb[34])?_unicode_520(_nopad)?_ci"
    r"|(utf8mb[34]_)?uca1400(_nopad)?_a[is]_ci"
    r"|utf8mb4_0900_a[is]_ci"
)
_OLD_COLLATION = re.compile(r"utf8(mb[34])?_(general|unicode)(_nopad)?_ci")
# Letters that the old ones do not know well enough: all but those of most Latin alphabets.
_UNRELIABLE = re.compile("[^\0-\u017f]|\u0130")


class State(Enum):
    """Whether a column has the index that lookups need."""

    UNNEEDED = auto()  # the database is SQLite
    CASE_SENSITIVE = auto()  # no index can serve
    MISSING = auto()
    BUILDING = auto()  # another session makes it at this moment
    INVALID = auto()  # left by a build that failed
    PRESENT = auto()


@dataclass(frozen=True)
class HostColumn:
    """A text column of the host's.

    Args:
        model: the model that has the field, or inherits it.
        name: the field's name.
        using: the alias of the database that is searched.
    """

    model: type[models.Model]
    name: str
    using: str

    @classmethod
    def at(cls, model: type[models.Model], path: str) -> HostColumn:
        """Return the column at an ORM path from a model, in the database that is written to."""
        *relations, name = path.split("__")
        for relation in relations:
            model = cast("type[models.Model]", model._meta.get_field(relation).related_model)
        owner = model._meta.get_field(name).model
        return cls(owner, name, router.db_for_write(owner))

    def __str__(self) -> str:
        """The table and column, for people."""
        return f"{self.table}.{self.column}"

    @property
    def table(self) -> str:
        """The name of the table."""
        return self.field.model._meta.db_table

    @property
    def column(self) -> str:
        """The name of the column."""
        return cast(str, self.field.column)

    @cached_property
    def field(self) -> models.Field[Any, Any]:
        """The field of the column."""
        return cast("models.Field[Any, Any]", self.model._meta.get_field(self.name))

    @property
    def connection(self) -> BaseDatabaseWrapper:
        """The connection to the database that is searched."""
        return connections[self.using]

    def has_any_of(self, texts: Collection[str]) -> Q:
        """Return a condition on rows of `model`: the column has one of some texts, in any case.

        MariaDB and MySQL may find more rows than those: their collations also ignore accents, and
        some of them trailing spaces. The caller looks at what comes.

        Args:
            texts: at least one.
        """
        if self.connection.vendor == "mysql" and self._ignores_case:
            return Q((f"{self.name}__in", sorted(texts)))
        folded = sorted(set(map(fold, texts)))
        return Q(In(FoldedText(F(self.name)), [FoldedText(Value(text)) for text in folded]))

    @property
    def _ignores_case(self) -> bool:
        """Whether the column's collation, of MariaDB or MySQL, ignores letter case."""
        return _collation(self.using, self.table, self.column).endswith("_ci")

    # The index

    @property
    def index(self) -> Index:
        """The index that lookups need."""
        # Of letters, digits and underscores, and no longer than Django allows.
        name = re.sub(r"\W+", "_", f"{PREFIX}{self.table}_{self.column}")
        name = truncate_name(name, Index.max_name_length)
        if self.connection.vendor == "postgresql":
            return Index(FoldedText(F(self.name)), name=name)
        return Index(fields=[self.name], name=name)

    def state(self) -> State:
        """Ask the database for the state of the index."""
        match self.connection.vendor:
            case "postgresql":
                return self._state_on_postgresql()
            case "mysql":
                return self._state_on_mysql()
        return State.UNNEEDED

    def rows(self) -> int:
        """Return about how many rows the table has: what the database's statistics say."""
        match self.connection.vendor:
            case "postgresql":
                found = self._ask(_POSTGRESQL_ROWS, [self._quoted_table])
            case "mysql":
                found = self._ask(_MYSQL_ROWS, [self.table])
            case _:
                found = None
        # PostgreSQL says -1 of a table that it has no statistics of.
        return max(0, int(found[0] or 0)) if found else 0

    def creation(self, state: State) -> list[str]:
        """Return the statements that make the index.

        Args:
            state: that of now. An invalid index is dropped first.
        """
        created = str(self._statement("create_sql"))
        if self.connection.vendor != "postgresql":
            return [created]
        created = created.replace("CONCURRENTLY", "CONCURRENTLY IF NOT EXISTS", 1)
        # Without statistics of the expression PostgreSQL expects too many rows of a lookup.
        statements = [created, f"ANALYZE {self._quoted_table}"]
        return (self.removal() if state is State.INVALID else []) + statements

    def removal(self) -> list[str]:
        """Return the statements that drop the index."""
        return [str(self._statement("remove_sql"))]

    def has_own_index(self) -> bool:
        """Whether there is an index of our name, be it valid or not."""
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
        if not self._ignores_case:
            return State.CASE_SENSITIVE
        indexes = (each for each in self._constraints().values() if each["index"] or each["unique"])
        serves = any(index["columns"][:1] == [self.column] for index in indexes)
        return State.PRESENT if serves else State.MISSING


class SameFolded(Exact):
    """Whether a column of text is the same as a text but for letter case.

    PostgreSQL finds it by an index on `FoldedText` of the column. MariaDB and MySQL have no such
    index: there one on the column itself finds what the column's own collation takes for the same,
    from which `FoldedText` chooses. Where an old collation is not to be relied on, there is none.
    Of what it is relied on for, it may miss the Kelvin and Angstrom signs and the capital sharp s,
    which it tells apart from "k", "å" and "ß".
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
    """Whether a collation takes for the same at least what `FoldedText` does.

    Most do, but not all: in a Turkish one, "I" is not the capital "i".
    """
    if _NEW_COLLATION.fullmatch(collation):
        return True
    return bool(_OLD_COLLATION.fullmatch(collation)) and not _UNRELIABLE.search(text)


@cache
def _collation(using: str, table: str, column: str) -> str:
    """The collation of a column of MariaDB or MySQL, asked once a process; "" where it has none.

    Raises:
        LookupError: there is no such column (yet).
    """
    with connections[using].cursor() as cursor:
        cursor.execute(_MYSQL_COLLATION, [table, column])
        found = cursor.fetchone()
    if found is None:
        raise LookupError(f"The database has no column {table}.{column}")
    return found[0] or ""
