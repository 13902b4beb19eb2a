"""Tests of what the SCIM Configuration page shows."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import path

from tests.admin.browser import (
    GENERATE,
    PAGE,
    PLAINTEXT,
    REVOKE,
    api_status,
    confirmed,
    form_fields,
    shown_token,
)
from tests.tokens import new_token
from tiled_scim.admin import ScimTokenAdmin
from tiled_scim.audit.advice import NOT_ENABLED
from tiled_scim.models import ScimToken

pytestmark = pytest.mark.django_db


# A host with a second admin site and without the SCIM URLs.
backoffice = admin.AdminSite(name="backoffice")
backoffice.register(ScimToken, ScimTokenAdmin)
urlpatterns = [path("admin/", admin.site.urls), path("backoffice/", backoffice.urls)]


class TestConnection:
    def test_the_base_url_is_where_the_host_mounted_the_urls(self, page: Client) -> None:
        response = page.get(PAGE, headers={"host": "localhost"}, secure=True)

        assert response.context["base_url"] == "https://localhost/scim/v2"
        assert 'value="https://localhost/scim/v2" readonly' in response.text
        assert '<label for="base-url">' in response.text

    def test_the_setting_goes_before_the_address_of_the_request(
        self, page: Client, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_BASE_URL = "https://api.example.com/scim/"

        assert page.get(PAGE).context["base_url"] == "https://api.example.com/scim"

    @pytest.mark.urls("tests.admin.test_page")
    def test_a_host_without_the_urls_sees_how_to_include_them(self, page: Client) -> None:
        response = page.get(PAGE)

        assert response.status_code == 200
        assert response.context["base_url"] is None
        assert 'path("scim/v2/", include("tiled_scim.urls"))' in unescape(response.text)
        assert 'id="base-url"' not in response.text

    @pytest.mark.urls("tests.admin.test_page")
    def test_urls_that_another_site_serves_need_the_setting_only(
        self, page: Client, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_BASE_URL = "https://api.example.com/scim"

        assert page.get(PAGE).context["base_url"] == "https://api.example.com/scim"


@pytest.mark.urls("tests.admin.test_page")
class TestAdminOfTheHost:
    def test_the_page_stays_within_the_admin_that_it_is_registered_with(self, page: Client) -> None:
        new_token()

        text = page.get("/backoffice/tiled_scim/scimtoken/").text

        assert form_fields(text, "/backoffice/tiled_scim/scimtoken/generate/")
        assert form_fields(text, "/backoffice/tiled_scim/scimtoken/revoke/")
        assert "/admin/" not in text.replace("/static/admin/", "")

    def test_what_is_done_leads_back_to_it(self, page: Client) -> None:
        token, _ = new_token()

        response = page.post("/backoffice/tiled_scim/scimtoken/revoke/", confirmed(token))

        assert response["Location"] == "/backoffice/tiled_scim/scimtoken/"


class TestState:
    def test_without_a_token_the_page_offers_to_generate_one(self, page: Client) -> None:
        text = page.get(PAGE).text

        assert "No token" in text
        assert "Generate token" in text
        assert "Replace token" not in text
        assert REVOKE not in text

    def test_the_token_is_shown_with_its_last_four_characters_its_creator_and_its_dates(
        self, page: Client, changer: User
    ) -> None:
        token, plaintext = new_token(created_by=changer, lifetime=timedelta(days=400))
        assert api_status(plaintext) == 200

        response = page.get(PAGE)

        token.refresh_from_db()
        assert f"<code>{plaintext[-4:]}</code>" in response.text
        assert "by staff" in response.text
        assert "Active" in response.text
        for moment in (token.created_at, token.expires_at, token.last_used_at):
            assert moment is not None
            assert f'<time datetime="{moment.isoformat()[:19]}' in response.text
        assert plaintext not in response.text
        assert token.digest not in response.text

    def test_a_token_that_never_expires_and_was_not_used_says_so(self, page: Client) -> None:
        new_token()

        text = page.get(PAGE).text

        assert re.search(r"<dt>Expires</dt>\s*<dd>\s*Never", text)
        assert re.search(r"<dt>Last used</dt>\s*<dd>\s*Not yet", text)

    def test_an_expired_token_is_called_expired_and_replaced_without_a_warning(
        self, page: Client
    ) -> None:
        expired, _ = new_token(lifetime=timedelta(seconds=-1))

        text = page.get(PAGE).text
        assert "Okta can no longer connect" in text
        assert "Active" not in text
        assert REVOKE not in text
        plaintext = shown_token(page.post(GENERATE, form_fields(text, GENERATE)))

        assert api_status(plaintext) == 200
        expired.refresh_from_db()
        assert expired.revoked_at is not None

    def test_a_person_s_name_cannot_bring_markup_into_the_page(self, page: Client) -> None:
        new_token(created_by=User.objects.create_user("<script>alert(1)</script>"))

        assert "<script>alert" not in page.get(PAGE).text


class TestPremiumGate:
    def test_an_account_without_the_feature_sees_the_sentence_and_no_button(
        self, page: Client, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_ENABLED = False
        new_token()

        response = page.get(PAGE)

        assert response.status_code == 200
        assert NOT_ENABLED in unescape(response.text)
        assert GENERATE not in response.text
        assert REVOKE not in response.text

    def test_forged_posts_are_refused(self, page: Client, settings: LazySettings) -> None:
        token, _ = new_token()
        settings.TILED_SCIM_ENABLED = False

        for action in (GENERATE, REVOKE):
            response = page.post(action, confirmed(token))
            assert response.status_code == 403
            assert not PLAINTEXT.search(response.text)
        assert ScimToken.objects.get().is_current
        assert not LogEntry.objects.exists()


class TestMarkup:
    """Assert that scripts and styles are in files, and that ids are unique."""

    @pytest.fixture(params=["no token", "just generated", "a token", "not confirmed"])
    def response(self, request: pytest.FixtureRequest, page: Client) -> Any:
        if request.param == "no token":
            return page.get(PAGE)
        answer = page.post(GENERATE, {"token": ""})
        if request.param == "just generated":
            return answer
        if request.param == "a token":
            return page.get(PAGE)
        return page.post(REVOKE, {"token": ScimToken.objects.get().pk})

    def test_a_content_security_policy_needs_nothing_inline(self, response: Any) -> None:
        text = response.text
        content = text[text.index('id="content-main"') :]

        assert not re.search(r"<script(?![^>]* src=)", text)
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", content)
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', text)

    def test_the_script_and_the_style_are_files_of_the_package(self, response: Any) -> None:
        for name in ("tiled_scim/admin.css", "tiled_scim/pages.js"):
            assert f"/static/{name}" in response.text
            assert finders.find(name)

    def test_ids_are_unique_and_every_reference_has_its_element(self, response: Any) -> None:
        ids = re.findall(r'\sid="([^"]+)"', response.text)
        references = re.findall(
            r'\s(?:for|aria-labelledby|aria-describedby|data-copies|data-outcome)="([^"]+)"',
            response.text,
        )

        assert len(ids) == len(set(ids))
        assert references
        assert {name for reference in references for name in reference.split()} <= set(ids)

    def test_every_visible_field_has_a_label(self, response: Any) -> None:
        content = response.text[response.text.index('id="content-main"') :]
        fields = re.findall(r'<input type="(?:text|checkbox)"[^>]*\sid="([^"]+)"', content)
        fields += re.findall(r'<input [^>]*\sid="([^"]+)"[^>]*type="checkbox"', content)

        assert fields
        for field in fields:
            assert f'<label for="{field}">' in content
