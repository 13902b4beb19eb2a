"""The host that follows the README: its Libraries, and the lines that plug SCIM in."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.urls import reverse
from pytest_django.live_server_helper import LiveServer

from tests.simple_project.libraries.models import Library
from tiled_scim.connections import Actor, Connection
from tiled_scim.models import LibraryGroupLink
from tiled_scim.provider_check.names import names_for


def test_the_checks_find_nothing() -> None:
    call_command("check", fail_level="WARNING")


def test_the_library_model_is_the_hosts(db: None) -> None:
    assert apps.is_installed("tiled_scim")
    assert LibraryGroupLink._meta.get_field("library").related_model is Library


def test_the_urls_are_where_the_readme_says() -> None:
    assert reverse("tiled_scim:users") == "/scim/v2/Users"


@pytest.mark.django_db(transaction=True)
def test_okta_gets_along_with_the_host(live_server: LiveServer) -> None:
    token = Connection().generate(Actor("Test")).plaintext

    call_command("scim_check", url=f"{live_server.url}/scim/v2", token=token)

    assert names_for().user in str(User.objects.get())
    assert not Library.objects.exists()
