"""System checks of the host's settings, models, URLs and databases.

Each says what is wrong and how to correct it. `apps.py` registers the functions of this module.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks

from tiled_scim.checks.accounts import check_accounts
from tiled_scim.checks.adapter import check_mapping, check_password_reset, check_roles
from tiled_scim.checks.deployment import check_https, check_proxy, check_throttle_cache
from tiled_scim.checks.installation import (
    check_configurable_account,
    check_databases,
    check_library_table,
    check_mount,
)
from tiled_scim.checks.models import (
    check_active_field,
    check_admin_field,
    check_library_fields,
    check_library_members,
    check_library_model,
)
from tiled_scim.checks.settings import Messages, check_names, check_page_sizes, check_values
from tiled_scim.checks.sign_in import check_backends, check_json_web_tokens
from tiled_scim.database.host_columns import State
from tiled_scim.host import searched_columns

# Rows of the host's user table from which on a lookup without an index is slow.
LARGE_TABLE = 50_000
LACKING = {State.MISSING, State.INVALID, State.UNSUITABLE}

CHECKS: tuple[Callable[[], Messages], ...] = (
    check_names,
    check_page_sizes,
    check_accounts,
    check_library_model,
    check_library_fields,
    check_library_members,
    check_roles,
    check_configurable_account,
    check_admin_field,
    check_active_field,
    check_mount,
    check_databases,
    check_mapping,
    check_password_reset,
    check_backends,
    check_json_web_tokens,
)
DEPLOYMENT_CHECKS: tuple[Callable[[], Messages], ...] = (
    check_https,
    check_proxy,
    check_throttle_cache,
)


def check_host(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Run the checks of values and, if these are valid, all others, which rely on them."""
    wrong = list(check_values())
    return [*wrong, *(message for check in ([] if wrong else CHECKS) for message in check())]


def check_deployment(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Run the checks for production."""
    if list(check_values()):
        return []
    return [message for check in DEPLOYMENT_CHECKS for message in check()]


def check_tables(
    app_configs: Sequence[AppConfig] | None = None,
    databases: Collection[str] | None = None,
    **kwargs: Any,
) -> list[checks.CheckMessage]:
    """Compare the settings with the tables in the databases.

    Args:
        databases: The aliases of the databases that may be asked. None, unless `migrate` or
            `--database` names them.
    """
    if not databases or list(check_values()) or list(check_library_model()):
        return []
    return list(check_library_table(databases))


def check_indexes(
    app_configs: Sequence[AppConfig] | None = None,
    databases: Collection[str] | None = None,
    **kwargs: Any,
) -> list[checks.CheckMessage]:
    """Warn of lookups that read all of a large table of the host's.

    Args:
        databases: the aliases of those that may be asked; none, unless `--database` names them.
    """
    if not databases or list(check_values()):
        return []
    columns = (column for column in searched_columns() if column.using in databases)
    return [
        checks.Warning(
            f"{column} has no index for lookups in any letter case, and the table is large: each "
            "new person, and each search by email, reads all of it.",
            hint="Run manage.py scim_index. It creates the index, or says what is in the way.",
            id="tiled_scim.W006",
        )
        for column in columns
        if column.rows() > LARGE_TABLE and column.state() in LACKING
    ]
