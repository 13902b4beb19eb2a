"""The migration of the host's that makes the Library model: the package's own come after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import CreateModel, SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation

from tiled_scim.conf import settings


def library_dependency() -> tuple[str, str]:
    """The app and the migration that make the Library model.

    Django's `swappable_dependency` stands for the first migration of an app, but a Library may come
    with a later one. That goes well only where the app's label sorts before ours, so that Django
    migrates all of that app first.

    An app without such a migration (none at all, or a model that was renamed) gets what
    `swappable_dependency` gives; there, the host's migration can say `run_before`.
    """
    app_label, _, model_name = settings.LIBRARY_MODEL.partition(".")
    for name, migration in _migrations(app_label):
        if _creates(migration.operations, model_name.lower()):
            return app_label, name
    return app_label, "__first__"


def _migrations(app_label: str) -> Iterator[tuple[str, type[Migration]]]:
    """The migrations of an app, by the rules of Django's loader, which would load ours as well."""
    package, _ = MigrationLoader.migrations_module(app_label)
    spec = find_spec(package) if package else None
    if spec is None or not spec.has_location:  # Django takes a namespace package for none
        return
    for module in iter_modules(spec.submodule_search_locations):
        if not module.ispkg and module.name[0] not in "_~":
            yield module.name, import_module(f"{package}.{module.name}").Migration


def _creates(operations: Iterable[Operation], model_name: str) -> bool:
    return any(
        operation.name_lower == model_name
        if isinstance(operation, CreateModel)
        else isinstance(operation, SeparateDatabaseAndState)
        and _creates(operation.state_operations, model_name)
        for operation in operations
    )
