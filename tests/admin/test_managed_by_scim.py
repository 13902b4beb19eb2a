"""Tests of the section about SCIM on the host's user pages, from the mixin ManagedByScim."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from django.conf import LazySettings
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import path

from tests.accounts import SeenByStaff, client_of
from tests.factories import make_user
from tests.roles import WithRoles
from tests.tokens import new_token
from tests.wire.client import ANN, Scim
from tiled_scim.admin.users import ManagedByScim
from tiled_scim.connections import Actor, Connection
from tiled_scim.models import LibraryGroupLink, ScimEvent, UserLink

from .browser import signed_in, staff
from .reading import read

pytestmark = pytest.mark.django_db

USERS = "/admin/auth/user/"
SECTION = "Managed by SCIM"
SCRIPT = "<script>alert(1)</script>"


class TwoAccounts(SeenByStaff):
    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return {"": "Main", "acme": "Acme & Söhne"}


class PlainAdmin(ManagedByScim, admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """A user admin without fieldsets that does not show permissions."""

    exclude = ("user_permissions", "groups", "password")


plain = admin.AdminSite("plain")
plain.register(User, PlainAdmin)
for model in (UserLink, ScimEvent):
    plain.register(model, type(admin.site.get_model_admin(model)))
unrelated = admin.AdminSite("unrelated")
unrelated.register(User, PlainAdmin)
urlpatterns = [
    path("plain/", plain.urls),
    path("unrelated/", unrelated.urls),
]


@pytest.fixture
def editor() -> Client:
    """A browser of a user who may edit users and view those of SCIM."""
    return signed_in(staff("change_user", "add_user", "view_userlink"))


def page(user_name: str = ANN) -> str:
    return f"{USERS}{User.objects.get(username=user_name).pk}/change/"


class TestSection:
    def test_tells_of_a_user_who_was_pushed(self, okta: Scim, editor: Client) -> None:
        key = okta.add_user(ANN)
        for name in ("Süd", "Nord"):
            okta.add_group(name, key)

        response = editor.get(page())

        shown = read(response)
        assert f"{SECTION} SCIM: userName {ANN} State Active Last push" in shown
        assert "Libraries Nord, Süd" in shown
        assert "Account" not in shown
        assert f'<a href="/admin/tiled_scim/userlink/{key}/change/">{ANN}</a>' in response.text
        assert "tiled_scim/admin.css" in response.text

    def test_shows_deactivated_and_unlinked_users(self, okta: Scim, editor: Client) -> None:
        key = okta.add_user(ANN)
        okta.deactivate(key)
        assert "State Deactivated" in read(editor.get(page()))

        okta.delete(f"/Users/{key}")

        assert "State Unlinked" in read(editor.get(page()))

    def test_says_that_scim_does_not_manage_the_user(self, editor: Client) -> None:
        make_user("hope")

        shown = read(editor.get(page("hope")))

        assert f"{SECTION} SCIM: SCIM does not manage this user." in shown

    def test_names_the_accounts_where_there_are_several(
        self, editor: Client, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = TwoAccounts
        Scim(f"Bearer {new_token('acme')[1]}").add_user(ANN)

        assert "Account Acme & Söhne userName" in read(editor.get(page()))

    def test_many_libraries_are_cut_short(self, okta: Scim, editor: Client) -> None:
        key = okta.add_user(ANN)
        for number in range(22):
            okta.add_group(f"Library {number:02}", key)
        with CaptureQueriesContext(connection) as queries:
            shown = read(editor.get(page()))

        assert "Library 18, Library 19, and 2 more" in shown
        assert len(queries) < 20

    def test_group_that_only_gives_a_role(self, editor: Client, settings: LazySettings) -> None:
        class Roles(SeenByStaff, WithRoles):
            pass

        settings.TILED_SCIM_HOST_ADAPTER = Roles
        acme = client_of("acme")
        acme.add_group("Sales", acme.add_user(ANN))
        group = LibraryGroupLink.objects.get()
        Connection("acme").give_role(group, "editor", Actor("root"), keeps_library=False)

        response = editor.get(page())

        assert response.status_code == 200
        assert "Sales" not in read(response)

    def test_nothing_that_was_sent_is_html(self, okta: Scim, editor: Client) -> None:
        okta.add_group(SCRIPT, okta.add_user(ANN))

        html = editor.get(page()).text

        assert SCRIPT not in html
        assert "&lt;script&gt;alert(1)" in html


class TestHosts:
    def test_who_may_not_look_at_scims_users_sees_no_section(self, okta: Scim) -> None:
        okta.add_user(ANN)

        response = signed_in(staff("change_user")).get(page())

        assert response.status_code == 200
        assert SECTION not in response.text

    def test_a_new_user_has_none(self, editor: Client) -> None:
        response = editor.get(f"{USERS}add/")

        assert response.status_code == 200
        assert SECTION not in response.text

    def test_a_user_is_saved_as_ever(self, okta: Scim, editor: Client) -> None:
        okta.add_user(ANN)
        form = editor.get(page()).context["adminform"].form
        fields = {name: value for name in form.fields if (value := form[name].value())}
        joined = User.objects.get(username=ANN).date_joined
        fields |= {
            "first_name": "Änne",
            "date_joined_0": joined.date().isoformat(),
            "date_joined_1": joined.time().isoformat(),
            "managed_by_scim": "x",
        }

        response = editor.post(page(), fields)

        assert response.status_code == 302, response.context["errors"]
        assert User.objects.get(username=ANN).first_name == "Änne"

    @pytest.mark.urls("tests.admin.test_managed_by_scim")
    def test_a_host_without_fieldsets_has_it_among_the_others(
        self, okta_user: User, admin_client: Client
    ) -> None:
        response = admin_client.get(f"/plain/auth/user/{okta_user.pk}/change/")

        assert read(response).count(f"userName {ANN} State Active") == 1
        assert "/plain/tiled_scim/userlink/" in response.text

    @pytest.mark.urls("tests.admin.test_managed_by_scim")
    def test_an_admin_without_scims_pages_has_none(
        self, okta_user: User, admin_client: Client
    ) -> None:
        response = admin_client.get(f"/unrelated/auth/user/{okta_user.pk}/change/")

        assert response.status_code == 200
        assert "userName" not in read(response)


@pytest.fixture
def okta_user() -> User:
    """A pushed user."""
    user = make_user(ANN)
    UserLink.objects.create(user=user, user_name=ANN, user_name_canonical=ANN)
    return user
