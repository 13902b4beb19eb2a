"""Tests of where a host may mount the pages, and of what it may override."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.contrib import admin as admin_site
from django.http import HttpRequest
from django.test import Client
from django.urls import include, path

from tests.admin.browser import shown_token
from tests.wire.client import Scim
from tiled_scim.models import LibraryGroupLink, ScimToken, UserLink

from .customers import read

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

# A host whose URLs name the account, in a namespace of its own.
product = (
    [path("<slug:customer>/scim/", include("tiled_scim.configuration.urls"))],
    "product",
)
urlpatterns = [
    path("admin/", admin_site.site.urls),
    path("app/", include(product)),
    path("scim/v2/", include("tiled_scim.urls")),
]
PAGE = "/app/acme/scim/"


def account_in_the_path(request: HttpRequest) -> str | None:
    """The account that the URL names, if the person is an admin of it."""
    assert request.resolver_match is not None
    customer: str = request.resolver_match.kwargs["customer"]
    return customer if request.user.get_username() == f"admin@{customer}" else None


@pytest.fixture(autouse=True)
def mounted(customers: None, settings: LazySettings) -> None:
    settings.TILED_SCIM_CONFIGURABLE_ACCOUNT = account_in_the_path
    settings.LOGIN_URL = "/sign-in/"
    # Without the templates of the simple project, which link to its pages.
    folders = [
        str(Path(app.path) / "templates")
        for app in apps.get_app_configs()
        if app.name != "tests.simple_project.libraries"
    ]
    options = {"APP_DIRS": False, "DIRS": folders}
    settings.TEMPLATES = [{**settings.TEMPLATES[0], **options}]


class TestMount:
    def test_below_a_path_with_the_account_and_in_a_namespace(
        self, okta: Scim, admin: Client
    ) -> None:
        user, group = UserLink.objects.latest("pk"), LibraryGroupLink.objects.get()
        seen = set()
        queue = [PAGE, f"{PAGE}users/{user.pk}/", f"{PAGE}groups/{group.pk}/"]
        while queue:
            page = queue.pop()
            seen.add(page)
            response = admin.get(page)
            assert response.status_code == 200, page
            found = set(re.findall(r'href="(/app/[^"?#]+)', response.text))
            assert not re.search(r'(?:href|action)="/(?!app/acme/|static/)', response.text)
            queue += found - seen - set(queue)

        assert len(seen) > 10
        assert admin.get("/app/globex/scim/").status_code == 404

    def test_the_base_url_is_that_of_the_endpoints(self, admin: Client) -> None:
        assert 'value="http://testserver/scim/v2"' in admin.get(PAGE).text

    def test_a_setup_link_stays_within_it(self, admin: Client) -> None:
        response = admin.post(f"{PAGE}setup-links/", {"hours": "1"})
        (link,) = re.findall(r'value="http://testserver(/app/acme/[^"]+)"', response.text)
        page, _, code = link.partition("#")
        client = Client()

        opened = client.post(page, {"code": code})
        assert opened["Location"] == f"{PAGE}setup/"
        assert opened.cookies["tiled_scim_setup"]["path"] == f"{PAGE}setup/"
        assert "Acme Inc." in read(client.get(opened["Location"]))
        shown_token(client.post(f"{PAGE}setup/generate/", {"token": ""}))
        assert ScimToken.objects.get().account == "acme"

    def test_a_setup_link_does_not_open_the_account_of_another_path(self, admin: Client) -> None:
        response = admin.post(f"{PAGE}setup-links/", {"hours": "1"})
        (code,) = re.findall(r"#(tscimsetup_[\w:-]+)", response.text)
        client = Client()

        client.post("/app/globex/scim/setup/open/", {"code": code})
        text = read(client.get("/app/globex/scim/setup/"))

        assert "Acme Inc." in text
        assert "Globex" not in text

    def test_people_sign_in_where_the_host_says(self, client: Client) -> None:
        assert client.get(PAGE)["Location"] == f"/sign-in/?next={PAGE}"


class TestOverriding:
    @pytest.fixture(autouse=True)
    def templates(self, mounted: None, settings: LazySettings, tmp_path: Path) -> Path:
        folder = tmp_path / "tiled_scim" / "configuration"
        folder.mkdir(parents=True)
        (tmp_path / "base.html").write_text(
            "<html><title>{% block title %}{% endblock %} - Product</title>"
            "<body><h2>Product {{ account }}{{ title }}{{ urls }}</h2>"
            "{% block content %}{% endblock %}</body></html>"
        )
        (folder / "base.html").write_text('{% extends "base.html" %}')
        options: dict[str, Any] = settings.TEMPLATES[0]
        settings.TEMPLATES = [{**options, "DIRS": [str(tmp_path), *options["DIRS"]]}]
        return folder

    def test_the_pages_stand_in_the_base_template_of_the_host(
        self, okta: Scim, admin: Client, client: Client
    ) -> None:
        for response in (admin.get(PAGE), client.get(f"{PAGE}setup/open/")):
            assert "<h2>Product </h2>" in response.text
            assert re.search(r"<title>[^<]*SCIM[^<]* - Product</title>", response.text)
            assert "tiled_scim/configuration.css" in response.text

    def test_a_setup_link_may_have_another_base(self, templates: Path, client: Client) -> None:
        text = "<body>Welcome{% block content %}{% endblock %}"
        (templates / "setup_base.html").write_text(text)

        assert "Welcome" in client.get(f"{PAGE}setup/open/").text

    def test_a_fragment_can_be_replaced(self, templates: Path, admin: Client) -> None:
        (templates / "navigation.html").write_text("<p>{{ urls.events }}</p>")

        assert f"<p>{PAGE}events/</p>" in admin.get(PAGE).text


def test_the_base_template_of_the_package_is_a_whole_page(admin: Client) -> None:
    text = admin.get(PAGE).text

    assert '<html lang="en-us">' in text
    assert '<meta name="viewport"' in text
    assert text.count("<main>") == 1
