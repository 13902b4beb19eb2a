"""A host with accounts in which the code of the pages runs that is no complete example.

`product/pieces.py` of the host has the adapters of docs/host-adapter.md.
"""

from __future__ import annotations

import json
import logging
from typing import Any
from unittest.mock import Mock

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, include, path, resolve, reverse
from django.utils.module_loading import import_string
from pytest_django import Settings

from tests.documented.pages import ROOT, code_blocks
from tiled_scim.connections import Actor, Connection
from tiled_scim.models import SetupLink

PAGES = ROOT / "docs" / "configuration-pages.md"

product: Any = apps.get_app_config("product")

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Any:
    return product.get_model("Account").objects.create(name="Acme", slug="acme")


@pytest.fixture
def ann(acme: Any) -> Any:
    user: Any = User.objects.create_user("ann@example.com", "ann@example.com", "secret")
    user.memberships.create(account=acme, role="admin")
    return user


def blocks_with(page: str, text: str) -> str:
    """Return the only block of Python of a page with this text."""
    [code] = [code for code in code_blocks(ROOT / "docs" / page, "python") if text in code]
    return code


def run(code: str, **names: Any) -> dict[str, Any]:
    """Run code with these names, and return all names afterwards."""
    exec(compile(code, "<documentation>", "exec"), names)  # noqa: S102 (code of our own documentation)
    return names


def piece(name: str) -> Any:
    return import_string(f"product.pieces.{name}")


def test_the_checks_find_nothing() -> None:
    call_command("check", fail_level="WARNING")


class TestConfigurationPages:
    def test_who_may_configure_the_account_sees_its_pages(self, ann: Any, client: Client) -> None:
        address = reverse("tiled_scim_configuration:connection")
        assert client.get(address).status_code == 302
        client.force_login(User.objects.create_user("bob"))
        assert client.get(address).status_code == 404

        client.force_login(ann)

        assert address == "/settings/scim/"
        page = client.get(address)
        assert page.status_code == 200
        # From the base template of the host, which the page extends by the documented one.
        assert "<header>Product</header>" in page.text

    def test_the_account_may_be_in_the_address(self, ann: Any, acme: Any) -> None:
        names = run(
            blocks_with("configuration-pages.md", "teams/<slug:team>"),
            urlpatterns=[],
            path=path,
            include=include,
        )
        request = RequestFactory().get("/")
        request.user = ann

        request.resolver_match = Mock(kwargs={"team": "acme"})
        assert names["configurable_account"](request) == str(acme.pk)
        request.resolver_match = Mock(kwargs={"team": "globex"})
        assert names["configurable_account"](request) is None

    def test_a_view_may_be_overridden(self) -> None:
        names = run(blocks_with("configuration-pages.md", "UserListWithHelp"), urlpatterns=[])

        [own] = names["urlpatterns"]
        first: URLPattern | URLResolver = own.url_patterns[0]
        assert first.resolve("users/").func.view_class is names["UserListWithHelp"]  # type: ignore[union-attr]

    def test_code_may_create_a_setup_link(self, ann: Any, acme: Any) -> None:
        code = blocks_with("configuration-pages.md", "setup_links.create")

        names = run(code, account_key=str(acme.pk), user=ann)

        link = SetupLink.objects.get()
        assert (link.account, link.created_by) == (str(acme.pk), ann)
        address = names["url"].partition("#")[0]
        name = resolve(address.removeprefix("https://your.host")).view_name
        assert name == "tiled_scim_configuration:setup_open"


def test_connections_from_code(ann: Any, acme: Any, capsys: pytest.CaptureFixture[str]) -> None:
    key = str(acme.pk)
    code = blocks_with("connections.md", 'Connection("acme")').replace('"acme"', repr(key))
    connection = Connection(key)
    token = connection.generate(Actor("Test")).plaintext
    headers = {"Authorization": f"Bearer {token}"}
    content = "application/scim+json"
    Client(headers=headers).post("/scim/v2/Users", {"userName": ann.username}, content)
    assert [link.user for link in connection.users()] == [ann]
    connection.revoke(Actor("Test"))
    shown: list[str] = []

    run(code, user=ann, show_once=shown.append)

    assert [text[:6] for text in shown] == ["tscim_"]
    assert not connection.users().exists()
    assert f"Settings: {ann}" in capsys.readouterr().out


class TestAdapters:
    def test_a_membership_with_a_required_field(self, ann: Any, acme: Any) -> None:
        project = acme.projects.create(name="Sales")

        piece("RoleAdapter")().grant(project, [ann.pk])

        rows = project.members.through.objects.values_list("user", "role")
        assert list(rows) == [(ann.pk, "viewer")]

    def test_who_sees_which_accounts(self, ann: Any, acme: Any) -> None:
        acme.managers.add(ann)
        accounts_of = piece("ManagedAdapter").accounts_of

        assert accounts_of(ann) == {"acme"}
        assert accounts_of(User.objects.create_user("bob")) == set()

    def test_domains_speak_for_their_addresses(
        self, ann: Any, acme: Any, settings: Settings
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = "product.pieces.VerifiedAdapter"
        globex = product.get_model("Account").objects.create(name="Globex", slug="globex")
        product.get_model("Domain").objects.create(account=globex, name="example.com")
        token = Connection(str(globex.pk)).generate(Actor("Test")).plaintext
        client = Client(headers={"Authorization": f"Bearer {token}"})

        def push(name: str) -> int:
            body = json.dumps({"userName": name})
            return client.post(
                "/scim/v2/Users", body, content_type="application/scim+json"
            ).status_code

        assert push("boss@elsewhere.example") == 400
        assert push("ann@example.com") == 201
        ann.refresh_from_db()
        assert not ann.has_usable_password()


def test_the_log() -> None:
    [handler] = logging.getLogger("tiled_scim").handlers

    assert type(handler) is logging.StreamHandler
