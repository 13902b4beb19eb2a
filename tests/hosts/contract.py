"""What holds in every host. A host's tests derive a class from this one."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import pytest
from django.core.management import call_command
from django.db import connections, router

from tests.hosts.messages import group, patch, person
from tests.tokens import new_token
from tiled_scim.models import ScimToken
from tiled_scim.provider_check.client import Json, OktaClient

SEARCH: Json = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}


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

    @pytest.mark.parametrize("provider", ["okta", "entra"])
    def test_the_sequence_of_a_provider_passes(self, scim_url: str, provider: str) -> None:
        for account in self.accounts:
            token = new_token(account)[1]
            call_command("scim_check", url=scim_url, token=token, provider=provider)
        call_command("scim_resync", "--dry-run")

    @pytest.mark.parametrize("slash", ["", "/"])
    def test_a_slash_at_the_end_makes_no_difference(
        self, okta: Callable[[str], OktaClient], slash: str
    ) -> None:
        client = okta(self.accounts[0])
        ada = client.send("POST", f"/Users{slash}", person("ada@example.com")).json["id"]
        maps = client.send("POST", f"/Groups{slash}", group("Maps", ada)).json["id"]
        rename = patch({"op": "replace", "value": {"displayName": "Atlases"}})
        calls: list[tuple[str, str, Json | None, int]] = [
            ("GET", "/Users", None, 200),
            ("GET", f"/Users/{ada}", None, 200),
            ("PUT", f"/Users/{ada}", person("ada@example.com"), 200),
            ("PATCH", f"/Groups/{maps}", rename, 204),
            ("POST", "/Users/.search", SEARCH, 200),
            ("POST", "/.search", SEARCH, 200),
            ("GET", "/ServiceProviderConfig", None, 200),
            ("DELETE", f"/Groups/{maps}", None, 204),
            ("GET", "/Nothing", None, 404),
            ("POST", "/Nothing", SEARCH, 404),
        ]

        for method, path, body, status in calls:
            assert client.send(method, f"{path}{slash}", body).status == status, (method, path)


def tables(database: str) -> set[str]:
    return set(connections[database].introspection.table_names())
