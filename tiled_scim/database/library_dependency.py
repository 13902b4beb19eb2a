"""Find the host's migration that creates the Library model, to depend on it."""

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
    """Return the app label and the name of the migration that creates the Library model.

    Django's `swappable_dependency` depends on the first migration of an app, but a later one may
    create the Library model. That only works if the app's label sorts before ours, because Django
    then runs all migrations of that app first.

    If no migration creates the model (the app has none, or the model was renamed), the result is
    that of `swappable_dependency`. The host's migration can use `run_before` instead.
    """
    app_label, _, model_name = settings.LIBRARY_MODEL.partition(".")
    for name, migration in _migrations(app_label):
        if _creates(migration.operations, model_name.lower()):
            return app_label, name
    return app_label, "__first__"


def _migrations(app_label: str) -> Iterator[tuple[str, type[Migration]]]:
    """Yield the migrations of an app like Django's loader, which would also load our migrations."""
    package, _ = MigrationLoader.migrations_module(app_label)
    spec = find_spec(package) if package else None
    if spec is None or not spec.has_location:  # Django ignores namespace packages
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
