"""The command `scim_index`, and the check that asks for it, on the database of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, models, transaction
from django.test.utils import isolate_apps
from pytest_django import DjangoAssertNumQueries, Settings

from tests.factories import make_user
from tiled_scim import checks
from tiled_scim.database import host_columns
from tiled_scim.database.host_columns import HostColumn, State
from tiled_scim.host import HostAdapter, searched_columns

USERNAME, EMAIL = (HostColumn(User, name, "default") for name in ("username", "email"))
# MariaDB and MySQL use the unique index that Django makes.
CREATED = {"sqlite": [], "postgresql": [USERNAME, EMAIL], "mysql": [EMAIL]}[connection.vendor]

pytestmark = pytest.mark.django_db(transaction=True)

on_servers = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite needs no index")
on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="of PostgreSQL")
on_mysql = pytest.mark.skipif(connection.vendor != "mysql", reason="of MariaDB and MySQL")


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("scim_index", *arguments, stdout=output)
    return output.getvalue()


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def made() -> set[str]:
    """The indexes of the command that there are, of any state."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, "auth_user")
    return {name for name in found if name.startswith("tiled_scim_")}


def names(columns: list[HostColumn]) -> set[str]:
    return {column.index.name for column in columns}


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """A test leaves no index behind, and no other collation."""
    yield
    with connection.cursor() as cursor:
        for name in sorted(made()):
            of_table = " ON auth_user" if connection.vendor == "mysql" else ""
            cursor.execute(f"DROP INDEX {name}{of_table}")
    if connection.vendor == "mysql":
        host_columns._collation.cache_clear()


class TestCreation:
    def test_makes_what_lookups_need(self) -> None:
        output = run()

        assert made() == names(CREATED)
        for column in CREATED:
            assert f"{column}: created the index {column.index.name}.\n" in output
        assert all(
            column.state() in {State.PRESENT, State.UNNEEDED} for column in (USERNAME, EMAIL)
        )

    def test_a_second_time_changes_nothing(self) -> None:
        run()

        output = run()

        assert made() == names(CREATED)
        assert output.count("needs no index here" if not CREATED else "has an index already.") == 2

    def test_a_dry_run_prints_sql_that_does_the_same(self) -> None:
        printed = run("--dry-run")

        assert made() == set()
        for statement in printed.splitlines():
            if not statement.startswith("-- "):
                assert statement.endswith(";")
                execute(statement.removesuffix(";"))
        assert made() == names(CREATED)
        assert all(line.startswith("-- ") for line in run("--dry-run").splitlines())

    def test_quietly(self) -> None:
        assert run("--verbosity", "0") == ""

        assert made() == names(CREATED)

    @on_servers
    @pytest.mark.parametrize("column", CREATED, ids=str)
    @pytest.mark.parametrize("texts", [{"ann@example.com"}, {"josé", "JOSÉ", "ｊｏｓé"}])
    def test_lookups_use_the_index(self, column: HostColumn, texts: set[str]) -> None:
        User.objects.bulk_create(
            User(username=f"Person{number}", email=f"P{number}@example.com")
            for number in range(5000)
        )
        run()

        plan = User.objects.filter(column.has_any_of(texts)).explain()

        assert column.index.name in plan

    @on_postgresql
    def test_an_invalid_index_of_a_failed_run_is_replaced(self) -> None:
        for name in ("ann", "bob"):
            make_user(name, email="same@example.com")
        with pytest.raises(DatabaseError):
            execute(f"CREATE UNIQUE INDEX CONCURRENTLY {EMAIL.index.name} ON auth_user (email)")
        assert EMAIL.state() is State.INVALID

        dry = run("--dry-run")
        output = run()

        assert f'DROP INDEX CONCURRENTLY IF EXISTS "{EMAIL.index.name}";' in dry
        assert f"{EMAIL}: replaced the invalid index {EMAIL.index.name}" in output
        assert EMAIL.state() is State.PRESENT

    @on_postgresql
    def test_in_a_transaction_it_says_why_not(self) -> None:
        refusal = pytest.raises(CommandError, match="cannot run inside a transaction block")
        with refusal, transaction.atomic():
            run()

        assert made() == set()

    @on_mysql
    def test_an_index_of_the_hosts_own_is_enough(self) -> None:
        execute("CREATE INDEX host_email ON auth_user (email, last_name)")
        try:
            assert "auth_user.email has an index already." in run()
            assert run("--undo").count("has no index of scim_index.") == 2
            assert made() == set()
        finally:
            execute("DROP INDEX host_email ON auth_user")

    @on_mysql
    def test_a_column_of_another_collation_can_have_none(self, unsuitable_email: None) -> None:
        with pytest.raises(CommandError, match="Not every column has its index"):
            run()

        assert made() == set()
        assert EMAIL.state() is State.UNSUITABLE

    @on_mysql
    def test_but_people_are_found_by_it(self, settings: Settings, unsuitable_email: None) -> None:
        settings.TILED_SCIM_ADOPT_USERS = "email"
        ann = make_user("ann", email="Ann@Example.com")

        assert HostAdapter().find_user({"emails.value": "ann@example.COM"}) == ann


@pytest.fixture(params=["utf8mb4 COLLATE utf8mb4_bin", "latin1 COLLATE latin1_swedish_ci"])
def unsuitable_email(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[None]:
    """A column that tells letter case apart, or is not in Unicode, as a host may have it."""
    collation = host_columns._collation("default", "auth_user", "email")
    before = f"utf8mb4 COLLATE {collation}"
    change = "ALTER TABLE auth_user MODIFY email varchar(254) CHARACTER SET {} NOT NULL"
    with connection.cursor() as cursor:
        cursor.execute(change.format(request.param))
        host_columns._collation.cache_clear()
        yield
        cursor.execute(change.format(before))


class TestUndo:
    def test_drops_what_was_made(self) -> None:
        run()

        output = run("--undo")

        assert made() == set()
        for column in CREATED:
            assert f"{column}: dropped the index {column.index.name}.\n" in output
        assert run("--undo").count("has no index of scim_index.") == 2

    def test_a_dry_run_drops_nothing(self) -> None:
        run()

        printed = run("--undo", "--dry-run")

        assert made() == names(CREATED)
        assert printed.count("DROP INDEX") == len(CREATED)


class TestCheck:
    """`manage.py check --database default`."""

    @pytest.fixture
    def statistics(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The table is large, and the database knows."""
        monkeypatch.setattr(checks, "LARGE_TABLE", 100)
        User.objects.bulk_create(User(username=str(number)) for number in range(1000))
        if connection.vendor != "sqlite":
            analyze = "ANALYZE TABLE" if connection.vendor == "mysql" else "ANALYZE"
            execute(f"{analyze} auth_user")

    @pytest.mark.usefixtures("statistics")
    def test_warns_of_what_is_missing(self) -> None:
        warnings = checks.check_indexes(databases=["default"])

        assert [(message.id, message.msg.split()[0]) for message in warnings] == [
            ("tiled_scim.W006", str(column)) for column in CREATED
        ]
        assert all("manage.py scim_index" in (message.hint or "") for message in warnings)
        run()
        assert checks.check_indexes(databases=["default"]) == []

    @pytest.mark.usefixtures("statistics")
    @pytest.mark.parametrize("databases", [None, [], ["other"]])
    def test_asks_no_database_that_it_may_not_ask(
        self, databases: list[str] | None, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(0):
            assert checks.check_indexes(databases=databases) == []

    def test_says_nothing_of_a_small_table(self) -> None:
        make_user("ann")

        assert checks.check_indexes(databases=["default"]) == []

    @pytest.mark.usefixtures("statistics")
    def test_is_one_of_djangos(self) -> None:
        output = StringIO()

        call_command("check", databases=["default"], stderr=output)
        assert output.getvalue().count("tiled_scim.W006") == len(CREATED)
        output.truncate(0)
        call_command("check", stderr=output)
        assert "W006" not in output.getvalue()

    @pytest.mark.usefixtures("statistics")
    def test_leaves_a_wrong_adapter_to_others(self, settings: Settings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = "nowhere.Adapter"

        assert checks.check_indexes(databases=["default"]) == []

    @on_servers
    @pytest.mark.usefixtures("statistics")
    def test_the_number_of_rows_is_an_estimate(self) -> None:
        assert 500 < EMAIL.rows() < 2000

    @on_servers
    @isolate_apps("tests")
    def test_a_table_that_is_not_there_yet_has_none(self) -> None:
        class Person(models.Model):  # noqa: DJ008 (never shown)
            email = models.EmailField()

            class Meta:
                app_label = "tests"

        assert HostColumn(Person, "email", "default").rows() == 0


class ByAddress(HostAdapter):
    """People sign in with their address."""

    @property
    def user_fields(self) -> dict[str, str]:
        return {**super().user_fields, "emails.value": "username"}


class WithoutAddress(HostAdapter):
    """A host that keeps no addresses."""

    @property
    def user_fields(self) -> dict[str, str]:
        return {"active": "is_active"}


class ByProfile(HostAdapter):
    """Addresses are on another row."""

    @property
    def user_fields(self) -> dict[str, str]:
        return {**super().user_fields, "emails.value": "logentry__object_repr"}


class Router:
    """Users and all else are written to another database than they are read from."""

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: type[models.Model], **hints: Any) -> str:
        return "primary"


class TestColumns:
    """Which columns of the host's people are looked up by."""

    @pytest.mark.parametrize(
        ("adapter", "adopt", "columns"),
        [
            (HostAdapter, "username", ["auth_user.username", "auth_user.email"]),
            (HostAdapter, None, ["auth_user.username", "auth_user.email"]),
            (ByAddress, "username", ["auth_user.username"]),
            (ByAddress, "email", ["auth_user.username", "auth_user.email"]),
            (WithoutAddress, "username", ["auth_user.username"]),
            (WithoutAddress, "email", ["auth_user.username", "auth_user.email"]),
            (ByProfile, "username", ["auth_user.username", "django_admin_log.object_repr"]),
        ],
    )
    def test_are_those_of_the_adapter(
        self, settings: Settings, adapter: type[HostAdapter], adopt: str | None, columns: list[str]
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = adapter
        settings.TILED_SCIM_ADOPT_USERS = adopt

        assert [str(column) for column in searched_columns()] == columns

    def test_are_in_the_database_that_is_written_to(self, settings: Settings) -> None:
        settings.DATABASE_ROUTERS = [f"{__name__}.Router"]

        assert {column.using for column in searched_columns()} == {"primary"}

    @isolate_apps("tests")
    def test_have_the_names_that_the_host_gave(self) -> None:
        class Person(models.Model):  # noqa: DJ008 (never shown)
            mail = models.EmailField(db_column="E-Mail")

            class Meta:
                app_label = "tests"
                db_table = "People of the host, who are many"

        class Reader(Person):  # noqa: DJ008 (never shown)
            class Meta:
                app_label = "tests"

        columns = [HostColumn.at(model, "mail") for model in (Person, Reader)]
        for column in columns:
            assert str(column) == "People of the host, who are many.E-Mail"
            assert column.model is Person
            assert column.index.name.startswith("tiled_scim_People")
            assert len(column.index.name) <= 30
        if connection.vendor != "sqlite":
            (sql, *_) = columns[0].creation(State.MISSING)
            quote = connection.ops.quote_name
            assert quote("People of the host, who are many") in sql
            assert quote("E-Mail") in sql
