"""System checks of the places where a host installs SCIM: its URLs and its databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core import checks
from django.db import connections, models, router
from django.urls import NoReverseMatch, URLResolver, get_resolver, reverse

from tiled_scim.api.base_url import APP_NAME
from tiled_scim.checks.settings import FUNCTION, Messages
from tiled_scim.conf import PREFIX, settings
from tiled_scim.database.host_models import library_model
from tiled_scim.database.membership_model import membership_model
from tiled_scim.models import LibraryGroupLink, UserLink

# The app_name of `configuration/urls.py`.
CONFIGURATION = "tiled_scim_configuration"


def root_resolver() -> URLResolver | None:
    """Return the resolver of the host's URLs, or None if the host has none."""
    urls = getattr(django_settings, "ROOT_URLCONF", None)
    return get_resolver(urls) if urls else None


def check_mount() -> Messages:
    """Check that URLs lead to SCIM, and that Okta accepts them."""
    if settings.BASE_URL:
        yield from _check_characters(settings.BASE_URL, f"{PREFIX}BASE_URL is")
        return  # another site may serve the URLs
    resolver = root_resolver()
    if resolver is None:
        return
    namespaces = list(_mounts(resolver, APP_NAME))
    if not namespaces:
        yield checks.Warning(
            "The URLs do not include tiled_scim.urls, so no identity provider can connect.",
            hint='Add path("scim/v2/", include("tiled_scim.urls")) to the URLs, or set '
            f"{PREFIX}BASE_URL if another site serves them.",
            id="tiled_scim.W032",
        )
    for namespace in namespaces:
        try:
            root = reverse(f"{namespace}:root", django_settings.ROOT_URLCONF)
            yield from _check_characters(root, "SCIM is mounted at")
        except NoReverseMatch:
            yield checks.Error(
                "The path of tiled_scim.urls has parameters, so there is no base URL.",
                hint=f"Include them at a fixed path, such as scim/v2/, or set {PREFIX}BASE_URL. "
                "A token tells its account, so the path does not need to.",
                id="tiled_scim.E032",
            )


def check_configurable_account() -> Messages:
    resolver = root_resolver()
    if settings.CONFIGURABLE_ACCOUNT is not None or resolver is None:
        return
    if any(_mounts(resolver, CONFIGURATION)):
        yield checks.Error(
            "The URLs include tiled_scim.configuration.urls, but "
            f"{PREFIX}CONFIGURABLE_ACCOUNT is not set, so nobody can use the pages.",
            hint=f"Set it to {FUNCTION}.",
            id="tiled_scim.E016",
        )


def _mounts(resolver: URLResolver, app_name: str, outer: str = "") -> Iterator[str]:
    """Yield the namespaces in which URLs include those of an app, at any depth."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            parts = (part for part in (outer, pattern.namespace) if part)
            namespace = ":".join(parts)
            if pattern.app_name == app_name:
                yield namespace
            yield from _mounts(pattern, app_name, namespace)


def check_databases() -> Messages:
    """Check that tables that are joined are in one database."""
    apart = {
        f"{_place(model)} and {_place(related)}"
        for model, related in _joins()
        if router.db_for_write(model) != router.db_for_write(related)
    }
    if apart:
        yield checks.Error(
            "These models are joined with each other, but are in different databases: "
            f"{', '.join(sorted(apart))}.",
            hint="Have DATABASE_ROUTERS put tiled_scim into the database of the users and "
            "Libraries. Only ScimEvent may be in another one.",
            id="tiled_scim.E030",
        )


def check_library_table(databases: Any) -> Messages:
    """Check that the tables in the databases belong to the Library model of the settings."""
    using = router.db_for_write(LibraryGroupLink)
    if using not in databases:
        return
    field: Any = LibraryGroupLink._meta.get_field("library")
    found = _referenced_table(using, LibraryGroupLink._meta.db_table, field.column)
    expected = _bare(library_model()._meta.db_table)
    if found is not None and found.casefold() != expected.casefold():
        yield checks.Error(
            f"{PREFIX}LIBRARY_MODEL is “{settings.LIBRARY_MODEL}”, whose table is {expected}, but "
            f"the tables of tiled_scim were migrated with the table {found}.",
            hint="Set it back. To change it, first run manage.py migrate tiled_scim zero, which "
            "deletes all links of users and groups, then change it and migrate again.",
            id="tiled_scim.E031",
        )


def _joins() -> Iterator[tuple[type[models.Model], type[models.Model]]]:
    """Yield the models of the app with the models that they are joined with."""
    memberships = membership_model()
    if memberships is not None:
        yield UserLink, memberships.model
    for model in apps.get_app_config(APP_NAME).get_models():
        for field in model._meta.concrete_fields:
            related = field.related_model
            if isinstance(related, type):
                yield model, related


def _bare(table: str) -> str:
    """Return the name of a table without its schema, as in `"sales"."library"`."""
    return table.rpartition('"."')[2].strip('"')


def _place(model: type[models.Model]) -> str:
    return f"{model._meta.label} (in “{router.db_for_write(model)}”)"


def _referenced_table(using: str, table: str, column: str) -> str | None:
    """Return the table that a foreign key refers to, or None if it is not in the database."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return None
        relations: Any = connection.introspection.get_relations(cursor, table)
    relation = relations.get(column)
    return None if relation is None else str(relation[1])


def _check_characters(url: str, subject: str) -> Messages:
    if "_" in url:
        yield checks.Warning(
            f"{subject} “{url}”, but Okta rejects a base URL with “_”.",
            hint="Use another path, such as scim/v2/.",
            id="tiled_scim.W030",
        )
