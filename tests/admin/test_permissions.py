"""Tests of who can find and view the page, and who can change the token."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import NoReverseMatch, reverse

from tests.admin.browser import (
    GENERATE,
    PAGE,
    PLAINTEXT,
    REVOKE,
    api_status,
    confirmed,
    form_fields,
    signed_in,
    staff,
)
from tests.tokens import new_token
from tiled_scim.models import ScimToken

pytestmark = pytest.mark.django_db


class TestIndex:
    def test_the_page_has_its_section_in_the_index_and_can_only_be_looked_at_by_a_viewer(
        self, viewer_page: Client
    ) -> None:
        (section,) = viewer_page.get("/admin/").context["app_list"]

        assert section["name"] == "SCIM Configuration"
        (model,) = section["models"]
        assert model["admin_url"] == PAGE
        assert model["view_only"]
        assert model["add_url"] is None

    def test_tokens_have_no_form_to_add_change_or_delete_them(self, page: Client) -> None:
        new_token()
        key = ScimToken.objects.get().pk

        for name in ("add", "change", "delete", "history"):
            with pytest.raises(NoReverseMatch):
                reverse(f"admin:tiled_scim_scimtoken_{name}", args=[] if name == "add" else [key])
        for route in ("add/", f"{key}/", f"{key}/change/", f"{key}/delete/"):
            assert page.get(PAGE + route).status_code == 404
        assert not admin.site.get_model_admin(ScimToken).has_delete_permission(
            page.get(PAGE).wsgi_request
        )

    def test_a_host_user_who_made_a_token_can_be_deleted_and_the_token_stays(
        self, changer: User
    ) -> None:
        plaintext = new_token(created_by=changer)[1]
        superuser = signed_in(User.objects.create_superuser("root"))

        response = superuser.post(f"/admin/auth/user/{changer.pk}/delete/", {"post": "yes"})

        assert response.status_code == 302
        assert not User.objects.filter(pk=changer.pk).exists()
        assert ScimToken.objects.get().created_by is None
        assert api_status(plaintext) == 200
        assert "ending in" in superuser.get(PAGE).text


class TestPermissions:
    def test_who_is_not_signed_in_is_asked_to(self, client: Client) -> None:
        for response in (client.get(PAGE), client.post(GENERATE), client.post(REVOKE)):
            assert response.status_code == 302
            assert response["Location"].startswith("/admin/login/")
        assert not ScimToken.objects.exists()

    def test_staff_without_a_permission_on_tokens_get_403_for_everything(self) -> None:
        token, plaintext = new_token()
        page = signed_in(staff("add_scimtoken", "delete_scimtoken"))

        assert page.get(PAGE).status_code == 403
        assert page.post(GENERATE, confirmed(token)).status_code == 403
        assert page.post(REVOKE, confirmed(token)).status_code == 403
        assert ScimToken.objects.get().is_current
        assert api_status(plaintext) == 200

    def test_a_viewer_sees_the_state_and_no_button(self, viewer_page: Client) -> None:
        token, _ = new_token()

        response = viewer_page.get(PAGE)

        assert response.status_code == 200
        assert token.last_four in response.text
        assert GENERATE not in response.text
        assert REVOKE not in response.text
        assert "Can change SCIM token" in response.text

    def test_a_viewers_forged_posts_are_refused(self, viewer_page: Client) -> None:
        assert viewer_page.post(GENERATE, confirmed(None)).status_code == 403
        assert not ScimToken.objects.exists()

        token, plaintext = new_token()
        assert viewer_page.post(GENERATE, confirmed(token)).status_code == 403
        assert viewer_page.post(REVOKE, confirmed(token)).status_code == 403
        assert ScimToken.objects.get() == token
        assert api_status(plaintext) == 200
        assert not LogEntry.objects.exists()

    def test_a_post_without_the_csrf_token_is_refused(self, changer: User) -> None:
        token, _ = new_token()
        page = signed_in(changer, enforce_csrf_checks=True)

        assert page.post(GENERATE, confirmed(token)).status_code == 403
        assert page.post(REVOKE, confirmed(token)).status_code == 403
        assert ScimToken.objects.get().is_current

    def test_the_forms_of_the_page_carry_the_csrf_token(self, changer: User) -> None:
        page = signed_in(changer, enforce_csrf_checks=True)

        fields = form_fields(page.get(PAGE).text, GENERATE)
        assert PLAINTEXT.search(page.post(GENERATE, fields).text)
        for action in (GENERATE, REVOKE):
            fields = form_fields(page.get(PAGE).text, action)
            assert page.post(action, fields | {"confirm": "on"}).status_code in {200, 302}
        assert ScimToken.objects.current().newest is None
