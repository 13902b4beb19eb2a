"""The SQL of the migrations, which runs in hosts with millions of rows.

How long it takes there, `python -m benchmarks.migrations` measures.
"""

from __future__ import annotations

import re

import pytest
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

# SQLite can tell its SQL outside of a transaction only.
pytestmark = pytest.mark.django_db(transaction=True)

NAMES = sorted(name for app, name in MigrationLoader(None).disk_migrations if app == "tiled_scim")
# What takes as long in a large host as in a small one, since the tables are new, or go.
QUICK = re.compile(
    r"""(CREATE\ TABLE | ALTER\ TABLE | DROP\ TABLE | CREATE\ (UNIQUE\ )?INDEX\ [^ ]+\ ON)
        \ tiled_scim_
    | SET\ CONSTRAINTS\ tiled_scim_\S+\ IMMEDIATE$ | BEGIN$ | COMMIT$""",
    re.VERBOSE,
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("is_backward", [False, True], ids=["forward", "backward"])
def test_nothing_grows_with_the_host(
    name: str, is_backward: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("sqlmigrate", "tiled_scim", name, backwards=is_backward)

    statements = sql(capsys.readouterr().out)
    assert len(statements) >= 5
    assert [statement for statement in statements if not QUICK.match(statement)] == []


def sql(script: str) -> list[str]:
    """The statements of a script, without quotes and comments."""
    lines = (line for line in script.splitlines() if not line.startswith("--"))
    text = re.sub(r'["`]', "", " ".join(lines))
    return [statement.strip() for statement in text.split(";") if statement.strip()]
