"""What holds in every host. A host's tests derive a class from this one."""

from __future__ import annotations

from typing import ClassVar

from django.core.management import call_command
from django.db import connections, router

from tiled_scim.models import ScimToken


class HostContract:
    accounts: ClassVar[tuple[str, ...]] = ("",)

    def test_models_and_migrations_agree(self) -> None:
        call_command("makemigrations", check=True, dry_run=True, verbosity=0)

    def test_the_system_checks_have_nothing_to_say(self) -> None:
        call_command("check", fail_level="DEBUG", databases=list(connections))

    def test_the_migrations_go_backward_and_forward_again(self) -> None:
        database = router.db_for_write(ScimToken)
        before = tables(database)
        assert "tiled_scim_userlink" in before

        call_command("migrate", "tiled_scim", "zero", database=database, verbosity=0)
        without = tables(database)
        call_command("migrate", database=database, verbosity=0)

        assert without == {name for name in before if not name.startswith("tiled_scim_")}
        assert tables(database) == before

    def test_the_sequence_of_okta_passes(self, scim_url: str) -> None:
        for account in self.accounts:
            token = ScimToken.objects.generate(account)[1]
            call_command("scim_check", url=scim_url, token=token)
        call_command("scim_resync", "--dry-run")


def tables(database: str) -> set[str]:
    return set(connections[database].introspection.table_names())
