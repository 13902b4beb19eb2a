"""The token, from the admin's window to the API and back."""

from __future__ import annotations

import re

import pytest
from django.conf import LazySettings
from playwright.sync_api import Error, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.admin.browser import GENERATE, NOT_AGAIN, OUTDATED, PAGE, REVOKE
from tests.tokens import new_token
from tiled_scim.audit.advice import NOT_ENABLED
from tiled_scim.models import ScimToken
from tiled_scim.provider_check.client import OktaClient

from .looks import Visit
from .people import (
    PASSWORD,
    action,
    connect,
    forge,
    generate,
    member_of_staff,
    replace,
    revoke,
    shown_token,
    status,
    tab_to,
    token_field,
)

PLAIN_HTTP_HOST = "tiled.test"


class TestGenerate:
    def test_an_admin_signs_in_and_copies_a_token_that_opens_the_api(self, visit: Visit) -> None:
        member_of_staff("change_scimtoken")
        page = visit(None, permissions=["clipboard-read", "clipboard-write"])
        page.goto("/admin/")
        page.get_by_label("Username").fill("margaret.hamilton@example.com")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("main").get_by_role("link", name="Connection and token").click()

        token = generate(page)

        expect(page.get_by_text(NOT_AGAIN)).to_be_visible()
        page.get_by_role("button", name="Copy: API token").click()
        expect(page.get_by_text("Copied.")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == token
        assert status(connect(page, token)) == 200

    def test_the_base_url_is_copied(self, visit: Visit, live_server: LiveServer) -> None:
        page = visit(
            member_of_staff("view_scimtoken"), permissions=["clipboard-read", "clipboard-write"]
        )
        page.goto(PAGE)

        page.get_by_role("button", name="Copy: Base URL").click()

        expect(page.get_by_text("Copied.")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == f"{live_server.url}/scim/v2"

    def test_where_browsers_have_no_clipboard_api_it_can_be_copied_too(
        self, visit: Visit, live_server: LiveServer, settings: LazySettings
    ) -> None:
        settings.ALLOWED_HOSTS = [PLAIN_HTTP_HOST]
        url = live_server.url.replace("localhost", PLAIN_HTTP_HOST)
        page = visit(member_of_staff("change_scimtoken"), base_url=url)
        page.goto(PAGE)
        assert page.evaluate("navigator.clipboard === undefined")
        token = generate(page)

        page.get_by_role("button", name="Copy: API token").click()
        expect(page.get_by_text("Copied.")).to_be_visible()

        page.goto("/admin/password_change/")  # which has a field to paste into
        field = page.get_by_label("Old password")
        field.press("Control+v")
        assert field.input_value() == token

    def test_reloading_does_not_show_it_again(self, page: Page) -> None:
        page.goto(PAGE)
        token = generate(page)

        page.reload()  # which sends the form again

        expect(page.get_by_text(OUTDATED)).to_be_visible()
        assert token not in page.content()
        assert status(connect(page, token)) == 200
        page.goto(PAGE)
        expect(page.get_by_text(f"ending in {token[-4:]}")).to_be_visible()
        assert token not in page.content()

    def test_going_back_does_not_show_it_again(self, page: Page) -> None:
        page.goto(PAGE)
        token = generate(page)
        page.get_by_role("link", name="I have copied it").click()
        expect(page).to_have_url(re.compile(f"{PAGE}$"))

        with pytest.raises(Error, match="ERR_CACHE_MISS"):  # Chromium has not kept the answer
            page.go_back()

        expect(page.get_by_role("heading")).to_have_text("Confirm Form Resubmission")
        assert token not in page.content()
        page.goto(PAGE)
        assert token not in page.content()
        assert status(connect(page, token)) == 200

    def test_a_browser_that_keeps_pages_as_they_were_left_keeps_no_token(self, page: Page) -> None:
        page.goto(PAGE)
        generate(page)

        page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")

        expect(token_field(page)).to_have_value("")

    def test_a_double_click_generates_one_token_and_shows_it(self, page: Page) -> None:
        page.goto(PAGE)

        page.get_by_role("button", name="Generate token").dblclick()

        assert status(connect(page, shown_token(page))) == 200
        assert ScimToken.objects.count() == 1


class TestReplaceAndRevoke:
    def test_replacing_asks_first_and_the_old_token_is_refused_at_once(self, page: Page) -> None:
        page.goto(PAGE)
        first = generate(page)
        okta = connect(page, first)
        page.get_by_role("link", name="I have copied it").click()
        details = action(page, "Replace token")
        expect(details.get_by_role("button")).to_be_hidden()

        details.locator("summary").click()
        expect(details.get_by_role("radio", name="Immediately")).to_be_checked()
        details.get_by_role("button").click()  # without the tick, the browser does not send it
        expect(details.get_by_role("checkbox")).to_be_focused()
        assert status(okta) == 200
        details.get_by_role("checkbox").check()
        details.get_by_role("button").click()

        expect(page.get_by_text(f"The token ending in {first[-4:]} has stopped")).to_be_visible()
        assert status(okta) == 401
        assert status(connect(page, shown_token(page))) == 200

    def test_the_old_token_works_for_a_week_if_chosen_and_until_it_is_revoked(
        self, page: Page
    ) -> None:
        page.goto(PAGE)
        first = generate(page)
        okta = connect(page, first)
        assert status(okta) == 200
        page.get_by_role("link", name="I have copied it").click()

        second = replace(page, "In one week")

        expect(page.get_by_text(f"The token ending in {first[-4:]} works until")).to_be_visible()
        new_okta = connect(page, second)
        assert [status(okta), status(new_okta)] == [200, 200]
        page.get_by_role("link", name="I have copied it").click()
        expect(page.get_by_text("Look again in a minute before you revoke")).to_be_visible()
        revoke(page, "Revoke previous token")
        assert [status(okta), status(new_okta)] == [401, 200]
        expect(page.get_by_text("Previous token")).to_have_count(0)

    def test_revoking_asks_first_and_the_token_is_refused_at_once(self, page: Page) -> None:
        page.goto(PAGE)
        okta = connect(page, generate(page))
        details = action(page, "Revoke token")
        expect(details.get_by_role("button")).to_be_hidden()

        revoke(page)

        assert status(okta) == 401
        expect(page.get_by_role("button", name="Generate token")).to_be_visible()

    def test_a_page_that_was_opened_before_another_change_ends_no_token(self, page: Page) -> None:
        _, first = new_token()
        page.goto(PAGE)
        _, second = new_token()
        details = action(page, "Revoke token")
        details.locator("summary").click()
        details.get_by_role("checkbox").check()

        details.get_by_role("button").click()

        expect(page.get_by_text(OUTDATED)).to_be_visible()
        assert [status(connect(page, token)) for token in (first, second)] == [401, 200]


class TestPermissions:
    def test_who_may_only_view_sees_no_button_and_cannot_forge_one(self, visit: Visit) -> None:
        token, plaintext = new_token()
        page = visit(member_of_staff("view_scimtoken"))
        page.goto(PAGE)
        okta = connect(page, plaintext)

        expect(page.get_by_text(f"ending in {token.last_four}")).to_be_visible()
        expect(page.locator("#content-main :is(form, summary.button)")).to_have_count(0)
        assert forge(page, GENERATE) == 403
        page.goto(PAGE)
        assert forge(page, REVOKE) == 403
        assert status(okta) == 200
        assert ScimToken.objects.get() == token

    def test_who_has_no_permission_is_refused_the_page(self, visit: Visit) -> None:
        page = visit(member_of_staff("view_library"))

        response = page.goto(PAGE)

        assert response is not None
        assert response.status == 403
        page.goto("/admin/")
        expect(page.get_by_text("SCIM Configuration")).to_have_count(0)
        assert forge(page, GENERATE) == 403
        assert not ScimToken.objects.exists()


class TestPremiumGate:
    def test_the_page_and_the_api_say_the_same_and_nothing_can_be_done(
        self, page: Page, settings: LazySettings, live_server: LiveServer
    ) -> None:
        _, plaintext = new_token()
        settings.TILED_SCIM_ENABLED = False
        page.goto(PAGE)

        expect(page.get_by_text(NOT_ENABLED)).to_be_visible()
        expect(page.locator("#content-main :is(button, input, summary)")).to_have_count(0)
        refused = OktaClient(f"{live_server.url}/scim/v2", plaintext).send("GET", "/Users")
        assert (refused.status, refused.json["detail"]) == (403, NOT_ENABLED)
        assert forge(page, GENERATE) == 403
        assert ScimToken.objects.get().is_current


class TestKeyboard:
    def test_a_token_is_generated_copied_and_replaced_without_a_mouse(self, page: Page) -> None:
        page.goto(PAGE)
        tab_to(page, page.get_by_role("button", name="Generate token"))
        page.keyboard.press("Enter")
        first = shown_token(page)
        tab_to(page, page.get_by_role("button", name="Copy: API token"))
        page.keyboard.press("Space")
        expect(page.get_by_text("Copied.")).to_be_visible()
        tab_to(page, page.get_by_role("link", name="I have copied it"))
        page.keyboard.press("Enter")

        details = action(page, "Replace token")
        tab_to(page, details.locator("summary"))
        page.keyboard.press("Enter")
        tab_to(page, details.get_by_role("checkbox"))
        page.keyboard.press("Space")
        tab_to(page, details.get_by_role("button"))
        page.keyboard.press("Enter")

        second = shown_token(page)
        assert [status(connect(page, token)) for token in (first, second)] == [401, 200]

    def test_a_token_is_revoked_without_a_mouse(self, page: Page) -> None:
        _, plaintext = new_token()
        page.goto(PAGE)
        details = action(page, "Revoke token")

        tab_to(page, details.locator("summary"))
        page.keyboard.press("Space")
        tab_to(page, details.get_by_role("checkbox"))
        page.keyboard.press("Space")
        page.keyboard.press("Enter")

        expect(page.get_by_text("has been revoked")).to_be_visible()
        assert status(connect(page, plaintext)) == 401


class TestWithoutScript:
    def test_all_works_but_copying(self, visit: Visit) -> None:
        page = visit(member_of_staff("change_scimtoken"), java_script_enabled=False)
        page.goto(PAGE)

        first = generate(page)
        okta = connect(page, first)
        expect(page.get_by_role("button", name="Copy")).to_have_count(0)
        assert status(okta) == 200
        page.get_by_role("link", name="I have copied it").click()
        second = replace(page)
        assert status(okta) == 401
        okta = connect(page, second)
        assert status(okta) == 200
        page.get_by_role("link", name="I have copied it").click()
        third = replace(page, "In one day")
        newest = connect(page, third)
        assert [status(okta), status(newest)] == [200, 200]
        revoke(page, "Revoke previous token")
        assert [status(okta), status(newest)] == [401, 200]
        revoke(page)
        assert status(newest) == 401
