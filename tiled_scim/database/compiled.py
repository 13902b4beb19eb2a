"""Compile queries once, also those for any number of keys.

Django compiles a queryset into SQL each time it runs, which takes longer than most of our queries
take to run. The query of a hot path is a queryset with a `Parameter` in place of each value. It is
compiled once for each database.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar, cast

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Field, Lookup, Model, QuerySet
from django.db.models.expressions import Expression
from django.db.models.sql.compiler import SQLCompiler

from tiled_scim.database.bulk import CHUNK, chunks

SQL = tuple[str, tuple[Any, ...]]
AnyModel = TypeVar("AnyModel", bound=Model)

# The number of rows to convert at once if a query may return any number.
PAGE = 2000


class Parameter(Expression):
    """A value that is passed each time a compiled query runs.

    Args:
        name: The keyword argument of `CompiledQuery.rows` with the value.
        field: The model field that the value is compared with. It prepares the value.
    """

    def __init__(self, name: str, field: Field[Any, Any]) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> SQL:
        return "%s", (self,)

    def prepared(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        """Return a value as the database expects it."""
        return self.output_field.get_db_prep_value(value, connection)


class KeysParameter(Parameter):
    """Any number of values, passed as one parameter. See `AnyOf`."""

    def prepared(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        return _as_parameter(value, self.output_field, connection)


class AnyOf(Lookup):
    """Test whether one of several keys is the value of a column.

    The keys are one parameter: an array on PostgreSQL, and JSON on SQLite. MariaDB gets a list.
    """

    lookup_name = "any_of"
    prepare_rhs = False
    output_field = BooleanField()

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> SQL:
        left, left_parameters = self.process_lhs(compiler, connection)
        right, right_parameters = self.process_rhs(compiler, connection)
        cast_type = cast(Any, self.lhs).output_field.rel_db_type(connection)
        parameters = (*left_parameters, *right_parameters)
        return f"{left} = ANY(({right})::{cast_type}[])", parameters

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> SQL:
        left, left_parameters = self.process_lhs(compiler, connection)
        right, right_parameters = self.process_rhs(compiler, connection)
        sql = f"{left} IN (SELECT value FROM json_each({right}))"  # noqa: S608 (a placeholder)
        return sql, (*left_parameters, *right_parameters)

    def as_mysql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> SQL:
        left, left_parameters = self.process_lhs(compiler, connection)
        right, right_parameters = self.process_rhs(compiler, connection)
        # Django has put the list in brackets.
        return f"{left} IN {right}", (*left_parameters, *right_parameters)


class CompiledQuery:
    """The SQL of a `values_list` queryset, which can run with different parameters.

    Args:
        rows: A queryset of `values_list`, with a `Parameter` for each value that changes.
    """

    def __init__(self, rows: QuerySet[Any, Any]) -> None:
        self.using = rows.db
        compiler = rows.query.get_compiler(using=self.using)
        self.sql, parameters = compiler.as_sql()
        self.parameters = tuple(parameters)
        selected = [column[0] for column in cast(Any, compiler.select)]
        self.converters = list(compiler.get_converters(selected).items())

    def rows(self, **values: Any) -> list[Any]:
        """Run the query and return its rows as sequences of Python values.

        Args:
            values: The value of each `Parameter`, by its name.
        """
        connection = connections[self.using]
        with connection.cursor() as cursor:
            cursor.execute(self.sql, self._parameters(values, connection))
            return self._converted(cursor.fetchall(), connection)

    def pages(self, **values: Any) -> Iterator[list[Any]]:
        """Run the query and yield its rows in lists of at most `PAGE`."""
        connection = connections[self.using]
        with connection.cursor() as cursor:
            cursor.execute(self.sql, self._parameters(values, connection))
            while page := cursor.fetchmany(PAGE):
                yield self._converted(page, connection)

    def row(self, **values: Any) -> Any:
        """Run the query and return its first row, or None."""
        return next(iter(self.rows(**values)), None)

    def _parameters(self, values: dict[str, Any], connection: BaseDatabaseWrapper) -> list[Any]:
        return [
            each.prepared(values[each.name], connection) if isinstance(each, Parameter) else each
            for each in self.parameters
        ]

    def _converted(self, rows: Sequence[Any], connection: BaseDatabaseWrapper) -> list[Any]:
        if not self.converters:
            return list(rows)
        converted = [list(row) for row in rows]
        for position, (converters, expression) in self.converters:
            for convert in converters:
                for row in converted:
                    row[position] = convert(row[position], expression, connection)
        return converted


class CompiledInstances(CompiledQuery):
    """A compiled query for instances of a model, each with one related instance.

    Args:
        rows: A queryset with `select_related` of the relation. It may have annotations.
        relation: The name of the foreign key.
    """

    def __init__(self, rows: QuerySet[Any, Any], relation: str) -> None:
        super().__init__(rows)
        self.relation = relation
        compiler = rows.query.get_compiler(using=self.using)
        compiler.as_sql()
        own = cast(dict[str, Any], compiler.klass_info)
        (related,) = own["related_klass_infos"]
        self.own = _Columns(own, compiler)
        self.related = _Columns(related, compiler)
        self.annotations = tuple(compiler.annotation_col_map.items())

    def instances(self, **values: Any) -> list[Any]:
        """Run the query and return model instances."""
        return [self._instance(row) for row in self.rows(**values)]

    def instance(self, **values: Any) -> Any:
        """Run the query and return its first instance, or None."""
        return next(iter(self.instances(**values)), None)

    def _instance(self, row: Sequence[Any]) -> Any:
        instance = self.own.instance(row, self.using)
        related = self.related.instance(row, self.using)
        for name, position in self.annotations:
            setattr(instance, name, row[position])
        # If there is no row, the foreign key is not cached as None: on PostgreSQL, a statement that
        # waited for a lock reads the locked row again, but not the related one.
        if related is not None:
            setattr(instance, self.relation, related)
        return instance


class _Columns:
    """The columns of a query for the instances of one model."""

    def __init__(self, klass_info: dict[str, Any], compiler: SQLCompiler) -> None:
        self.model: type[Model] = klass_info["model"]
        self.positions: list[int] = klass_info["select_fields"]
        selected = [cast(Any, compiler.select)[position][0] for position in self.positions]
        self.names = [column.target.attname for column in selected]

    def instance(self, row: Sequence[Any], using: str) -> Model | None:
        """Return the instance, or None if an outer join found no row."""
        values = [row[position] for position in self.positions]
        is_missing = values[self.names.index(self.model._meta.pk.attname)] is None
        return None if is_missing else self.model.from_db(using, self.names, values)


_COMPILED: dict[Hashable, Any] = {}


def compiled_instances(
    key: Hashable, relation: str, build: Callable[[], QuerySet[Any, Any]]
) -> CompiledInstances:
    """Return the query with this key as `compiled` does, for model instances."""
    query = _COMPILED.get(key)
    if query is None:
        query = _COMPILED[key] = CompiledInstances(build(), relation)
    return cast(CompiledInstances, query)


def compiled(key: Hashable, build: Callable[[], QuerySet[Any, Any]]) -> CompiledQuery:
    """Return the query with this key. Build and compile it the first time.

    Args:
        key: Everything that determines what `build` returns, including the database alias.
        build: A function that returns the queryset.
    """
    query = _COMPILED.get(key)
    if query is None:
        query = _COMPILED[key] = CompiledQuery(build())
    return cast(CompiledQuery, query)


def rows_of_keys(
    name: Hashable,
    build: Callable[[Callable[[Any], Any]], QuerySet[Any, Any]],
    field: Field[Any, Any],
    keys: Collection[Any],
    using: str,
    **values: Any,
) -> list[Any]:
    """Run a query for any number of keys and return its rows.

    PostgreSQL and SQLite get one statement, compiled once. MariaDB gets one for each `CHUNK` of
    keys.

    Args:
        name: Everything that determines what `build` returns, except the keys and the database.
        build: Returns the queryset. Its argument is a function that takes an expression and
            returns the condition that it is one of the keys.
        field: The model field of the keys.
        keys: The keys, in the order in which rows are to be locked.
        using: The database alias.
        values: The value of each `Parameter` of the queryset, by its name.
    """
    if not keys:
        return []
    if _takes_any_number_of_keys(using):
        parameter = KeysParameter("keys", field)
        query = compiled((name, using), lambda: build(lambda each: AnyOf(each, parameter)))
        return query.rows(keys=keys, **values)
    found: list[Any] = []
    for chunk in chunks(keys):
        is_one_of = partial(_is_one_of, _Keys(chunk, field))
        found += CompiledQuery(build(is_one_of)).rows(**values)
    return found


def _is_one_of(keys: _Keys, column: Any) -> AnyOf:
    return AnyOf(column, keys)


def _takes_any_number_of_keys(using: str) -> bool:
    """Return whether the keys of `AnyOf` are one parameter."""
    return connections[using].vendor in {"postgresql", "sqlite"}


def _as_parameter(
    keys: Iterable[Any], field: Field[Any, Any], connection: BaseDatabaseWrapper
) -> Any:
    """Return the parameter of `AnyOf`."""
    prepared = [field.get_db_prep_value(key, connection) for key in keys]
    return json.dumps(prepared) if connection.vendor == "sqlite" else prepared


class _Keys(Expression):
    """The keys of `AnyOf` in a query that is not compiled."""

    def __init__(self, keys: Collection[Any], field: Field[Any, Any]) -> None:
        super().__init__(output_field=field)
        self.keys = keys

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> SQL:
        return "%s", (_as_parameter(self.keys, self.output_field, connection),)

    def as_mysql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> SQL:
        keys = _as_parameter(self.keys, self.output_field, connection)
        return ", ".join(["%s"] * len(keys)), tuple(keys)


def of_keys(
    rows: QuerySet[AnyModel], column: str, keys: Collection[Any]
) -> Iterator[QuerySet[AnyModel]]:
    """Yield querysets for the rows that have one of the keys in a column, for any number of keys.

    PostgreSQL and SQLite get one. MariaDB gets one for each `CHUNK` of keys.

    Args:
        rows: The rows. Its database is the one that they are for.
        column: The name of the field, such as a foreign key, or "pk".
        keys: The keys.
    """
    field = cast(Any, rows.query.resolve_ref(column)).target
    field = getattr(field, "target_field", field)
    size = len(keys) if _takes_any_number_of_keys(rows.db) else CHUNK
    for chunk in chunks(keys, size):
        yield rows.filter(AnyOf(F(column), _Keys(chunk, field)))
