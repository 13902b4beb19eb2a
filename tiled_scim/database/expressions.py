"""SQL expressions with the same result on SQLite, PostgreSQL, MariaDB and MySQL.

By default, the databases disagree: MariaDB ignores case, accents and trailing spaces, LIKE on
SQLite ignores the case of ASCII letters, PostgreSQL sorts by the server's language, and each
database has its own functions for JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, ClassVar, cast

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import (
    BigIntegerField,
    BooleanField,
    F,
    FloatField,
    JSONField,
    Q,
    QuerySet,
    Subquery,
    TextField,
    UUIDField,
    Value,
)
from django.db.models.expressions import Combinable, Expression
from django.db.models.lookups import Lookup
from django.db.models.sql.compiler import SQLCompiler

from tiled_scim.scim.text import fold

SQL = tuple[str, tuple[Any, ...]]
Operand = Combinable | Expression | Q

# Collations that distinguish all code points and do not ignore trailing spaces.
_BINARY = {"mariadb": "utf8mb4_nopad_bin", "mysql": "utf8mb4_0900_bin"}
# Collations whose LOWER also converts the letters of rare scripts.
_LETTERS = {"mariadb": "utf8mb4_unicode_520_nopad_ci", "mysql": "utf8mb4_0900_as_ci"}
# LOWER differs between databases for two letters, so they are replaced: the capital I with a dot,
# which becomes one character or two, and the sigma at the end of a word.
_DOTTED_I = "'\u0130', 'i\u0307'"
_FINAL_SIGMA = "'\u03c2', '\u03c3'"
# MySQL's LOWER loses the two letters that become longer in UTF-8.
_LENGTHENED = ("'\u023a', '\u2c65'", "'\u023e', '\u2c66'")
_REPLACED = {"mariadb": (_DOTTED_I,), "mysql": (_DOTTED_I, *_LENGTHENED)}


def register_functions(connection: BaseDatabaseWrapper, **kwargs: object) -> None:
    """Add a function to a new SQLite connection, because SQLite's LOWER only converts ASCII.

    This is a receiver of `connection_created`.
    """
    if connection.vendor == "sqlite":
        connection.connection.create_function("TILED_SCIM_FOLD", 1, _fold, deterministic=True)


def _fold(text: str | None) -> str | None:
    return None if text is None else fold(text)


class PortableExpression(Expression):
    """An expression with SQL for each database.

    `{0}` in a template is replaced by the SQL of the first operand. MariaDB uses the template
    "mariadb", or "mysql" if there is none.
    """

    templates: ClassVar[dict[str, str]]

    def __init__(self, *operands: Operand) -> None:
        super().__init__()
        self.operands: list[Any] = list(operands)

    def get_source_expressions(self) -> list[Any]:
        return self.operands

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        self.operands = list(exprs)

    def template(self, connection: BaseDatabaseWrapper) -> str:
        """Return the template for the connection's database."""
        if getattr(connection, "mysql_is_mariadb", False) and "mariadb" in self.templates:
            return self.templates["mariadb"]
        return self.templates[connection.vendor]

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> SQL:
        compiled = [compiler.compile(operand) for operand in self.operands]
        params: list[Any] = []

        def fill(match: re.Match[str]) -> str:
            sql, operand_params = compiled[int(match[1])]
            params.extend(operand_params)
            return sql

        sql = re.sub(r"\{(\d+)\}", fill, self.template(connection))
        return sql, tuple(params)


# Text


class ColumnText(PortableExpression):
    """Convert a column to the text that SCIM shows, such as a UUID with hyphens."""

    output_field = TextField()
    templates: ClassVar = {
        "sqlite": "CAST({0} AS TEXT)",
        "postgresql": "({0})::text",
        "mysql": "CAST({0} AS CHAR)",
    }
    # If the database has no type for UUIDs, Django stores their 32 digits.
    digits: ClassVar = {
        "sqlite": "SUBSTR({0}, 1, 8) || '-' || SUBSTR({0}, 9, 4) || '-' || SUBSTR({0}, 13, 4)"
        " || '-' || SUBSTR({0}, 17, 4) || '-' || SUBSTR({0}, 21)",
        "mysql": "CONCAT_WS('-', LEFT({0}, 8), SUBSTR({0}, 9, 4), SUBSTR({0}, 13, 4),"
        " SUBSTR({0}, 17, 4), SUBSTR({0}, 21))",
    }

    def template(self, connection: BaseDatabaseWrapper) -> str:
        is_uuid = isinstance(self.operands[0].output_field, UUIDField)
        if is_uuid and not connection.features.has_native_uuid_field:
            return self.digits[connection.vendor]
        return super().template(connection)


class ExactText(PortableExpression):
    """Text that is compared and sorted by code points."""

    output_field = TextField()
    templates: ClassVar = {
        "sqlite": "({0}) COLLATE BINARY",
        "postgresql": '({0})::text COLLATE "C"',
        **{
            name: f"CONVERT({{0}} USING utf8mb4) COLLATE {collation}"
            for name, collation in _BINARY.items()
        },
    }


def _folded_text(database: str) -> str:
    """Return the template of `FoldedText` for MariaDB or MySQL."""
    text = "CONVERT({0} USING utf8mb4)"
    for letters in _REPLACED[database]:
        text = f"REPLACE({text}, {letters})"
    lower = f"LOWER({text} COLLATE {_LETTERS[database]})"
    return f"REPLACE({lower}, {_FINAL_SIGMA}) COLLATE {_BINARY[database]}"


class FoldedText(PortableExpression):
    """Text as `scim.text.fold` returns it, compared and sorted by code points."""

    output_field = TextField()
    # A collation of the host's own is put aside, since not every one allows all of this.
    templates: ClassVar = {
        "sqlite": "TILED_SCIM_FOLD({0})",
        "postgresql": f'REPLACE(LOWER(REPLACE(({{0}})::text COLLATE "default", {_DOTTED_I})),'
        f' {_FINAL_SIGMA}) COLLATE "C"',
        **{name: _folded_text(name) for name in _BINARY},
    }


class NonEmpty(PortableExpression):
    """Text, or null if it is empty."""

    output_field = TextField()
    templates: ClassVar = dict.fromkeys(("sqlite", "postgresql", "mysql"), "NULLIF({0}, '')")


# Conditions


class Condition(PortableExpression):
    """A condition that is true, false or null."""

    output_field = BooleanField()


class IsNotTrue(Condition):
    """Negate a condition as SCIM does: null counts as false."""

    # Django compares it to 1 on MySQL, which takes no IS there without parentheses. The parser of
    # SQLite has a stack of 100, which is too small for them.
    templates: ClassVar = {
        "sqlite": "({0}) IS NOT TRUE",
        "postgresql": "({0}) IS NOT TRUE",
        "mysql": "(({0}) IS NOT TRUE)",
    }


class Contains(Condition):
    """Test whether the first text contains the second."""

    templates: ClassVar = {
        "sqlite": "INSTR({0}, {1}) > 0",
        "postgresql": "STRPOS({0}, {1}) > 0",
        "mysql": "INSTR({0}, {1}) > 0",
    }


class StartsWith(Condition):
    """Test whether the first text starts with the second, which must not be empty."""

    templates: ClassVar = {
        "sqlite": "SUBSTR({0}, 1, LENGTH({1})) = {1}",
        "postgresql": "LEFT({0}, LENGTH({1})) = {1}",
        "mysql": "LEFT({0}, CHAR_LENGTH({1})) = {1}",
    }


class EndsWith(Condition):
    """Test whether the first text ends with the second, which must not be empty."""

    templates: ClassVar = {
        "sqlite": "SUBSTR({0}, -LENGTH({1})) = {1}",
        "postgresql": "RIGHT({0}, LENGTH({1})) = {1}",
        "mysql": "RIGHT({0}, CHAR_LENGTH({1})) = {1}",
    }


# Keys


class Among(Lookup):
    """Test whether one of some queries returns a key. The database runs these queries first.

    This is a lookup because Django compares other conditions to True on MariaDB and MySQL, which
    hides them from the planner.

    Args:
        key: The column with the key.
        queries: Queries that return one column.
        most: The number of keys that they return at most, if it is known.
    """

    def __init__(self, key: F, *queries: QuerySet[Any, Any], most: int | None = None) -> None:
        super().__init__(key, _Keys(*(Subquery(query) for query in queries), most=most))

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> SQL:
        key, key_params = self.process_lhs(compiler, connection)
        keys, params = compiler.compile(cast(Any, self.rhs))
        return f"{key} {keys}", (*key_params, *params)


class _Keys(PortableExpression):
    """The right-hand side of `Among`."""

    output_field = BooleanField()
    templates: ClassVar = {
        "sqlite": "IN ({})",
        # Not IN, because a planner that expects many keys would read the whole table.
        "postgresql": "= ANY(ARRAY({}))",
        # A derived table, because the queries would otherwise run for each key.
        "mysql": "IN (SELECT * FROM ({}) AS scim_keys)",
    }

    def __init__(self, *queries: Subquery, most: int | None) -> None:
        super().__init__(*queries)
        self.most = most

    def template(self, connection: BaseDatabaseWrapper) -> str:
        numbers = range(len(self.operands))
        keys = " UNION ALL ".join(map("SELECT * FROM {{{0}}} AS scim_keys_{0}".format, numbers))
        if self.most is not None:
            # For MariaDB's planner, which takes the offset of a query for rows that it gives.
            keys = f"{keys} LIMIT {self.most}"
        return super().template(connection).format(keys)


# JSON


class _JSONScalar(PortableExpression):
    """The value at a path of keys in a JSON value, or null if there is none."""

    def __init__(self, root: Operand, *keys: str) -> None:
        super().__init__(root, _path(keys))
        self.keys = keys

    def template(self, connection: BaseDatabaseWrapper) -> str:
        # SQLite returns simple elements as SQL values, not as JSON.
        if connection.vendor == "sqlite" and not self.keys:
            return "{0}"
        return super().template(connection)


class JSONText(_JSONScalar):
    """A string in a JSON value."""

    output_field = TextField()
    templates: ClassVar = {
        "sqlite": "JSON_EXTRACT({0}, {1})",
        "postgresql": "(JSONB_PATH_QUERY_FIRST({0}, {1}::jsonpath) #>> '{}')",
        "mysql": "JSON_UNQUOTE(JSON_EXTRACT({0}, {1}))",
    }


class JSONInteger(_JSONScalar):
    """An integer of 64 bits in a JSON value. As a floating-point number, it would be rounded."""

    output_field = BigIntegerField()
    templates: ClassVar = {
        "sqlite": "JSON_EXTRACT({0}, {1})",
        "postgresql": "(JSONB_PATH_QUERY_FIRST({0}, {1}::jsonpath) #>> '{}')::numeric",
        "mysql": "CAST(JSON_UNQUOTE(JSON_EXTRACT({0}, {1})) AS SIGNED)",
    }


class JSONNumber(_JSONScalar):
    """A number in a JSON value."""

    output_field = FloatField()
    templates: ClassVar = {
        "sqlite": "JSON_EXTRACT({0}, {1})",
        "postgresql": "(JSONB_PATH_QUERY_FIRST({0}, {1}::jsonpath) #>> '{}')::float8",
        "mysql": "CAST(JSON_UNQUOTE(JSON_EXTRACT({0}, {1})) AS DOUBLE)",
    }


class JSONBoolean(_JSONScalar):
    """A boolean in a JSON value."""

    output_field = BooleanField()
    templates: ClassVar = {
        "sqlite": "JSON_EXTRACT({0}, {1})",
        "postgresql": "(JSONB_PATH_QUERY_FIRST({0}, {1}::jsonpath) #>> '{}')::boolean",
        "mysql": "(JSON_UNQUOTE(JSON_EXTRACT({0}, {1})) = 'true')",
    }


class Elements(PortableExpression):
    """The elements of the array at a path of keys, as rows with `key` and `value`."""

    output_field = JSONField()
    templates: ClassVar = {
        "sqlite": "JSON_EACH({0}, {1}) AS scim_element",
        "postgresql": "JSONB_ARRAY_ELEMENTS(JSONB_PATH_QUERY_FIRST({0}, {1}::jsonpath))"
        " WITH ORDINALITY AS scim_element(value, key)",
        "mysql": "JSON_TABLE(JSON_EXTRACT({0}, {1}), '$[*]' COLUMNS"
        " (`key` FOR ORDINALITY, `value` JSON PATH '$')) AS scim_element",
    }

    def __init__(self, root: Operand, *keys: str) -> None:
        super().__init__(root, _path(keys))


class Element(Expression):
    """The current element in `AnyElement` or `FirstElement`."""

    output_field = JSONField()

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> SQL:
        return "scim_element.value", ()


class AnyElement(Condition):
    """Test whether a condition is true for at least one element."""

    templates: ClassVar = dict.fromkeys(
        ("sqlite", "postgresql", "mysql"), "EXISTS (SELECT 1 FROM {0} WHERE {1})"
    )

    def __init__(self, elements: Elements, condition: Q) -> None:
        super().__init__(elements, condition)


class FirstElement(PortableExpression):
    """A value of the first element that meets a condition. Preferred elements come first."""

    templates: ClassVar = dict.fromkeys(
        ("sqlite", "postgresql", "mysql"),
        "(SELECT {2} FROM {0} WHERE {1}"
        " ORDER BY CASE WHEN {3} THEN 0 ELSE 1 END, scim_element.key LIMIT 1)",
    )

    def __init__(
        self, elements: Elements, condition: Q, value: Operand, preferred: Operand
    ) -> None:
        super().__init__(elements, condition, value, preferred)

    def _resolve_output_field(self) -> Any:
        return self.operands[2].output_field


def _path(keys: Sequence[str]) -> Value:
    """Return a JSON path such as `$."name"."givenName"`."""
    return Value("$" + "".join(f".{json.dumps(key)}" for key in keys))
