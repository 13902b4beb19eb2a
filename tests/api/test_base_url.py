"""The base URL, wherever the host mounts the SCIM URLs, and whoever asks for it."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import NoReverseMatch, include, path, resolve

from tests.tokens import new_token
from tiled_scim.api.base_url import base_url


def page(request: HttpRequest) -> HttpResponse:
    """A page of the host's."""
    return HttpResponse()


site: list[object] = [path("page/", page)]
inner = [path("inner/", include("tiled_scim.urls"))]
urlpatterns = [
    *site,
    path("first/", include("tiled_scim.urls")),
    path("second/", include("tiled_scim.urls", namespace="second")),
    path("outer/", include((inner, "outer"))),
]


class WithoutMount:
    """A URLconf without the SCIM URLs."""

    urlpatterns = site


def request(url: str) -> HttpRequest:
    made = RequestFactory().get(url)
    made.resolver_match = resolve(made.path)
    return made


@pytest.mark.urls("tests.api.test_base_url")
class TestMount:
    @pytest.mark.parametrize("mounted", ["first", "second", "outer/inner"])
    def test_a_request_to_the_scim_urls_has_the_address_of_its_own(self, mounted: str) -> None:
        assert base_url(request(f"/{mounted}/Users")) == f"http://testserver/{mounted}"

    def test_a_page_of_the_host_has_that_of_the_mount_without_a_namespace(self) -> None:
        assert base_url(request("/page/")) == "http://testserver/first"

    def test_a_request_that_was_not_resolved_has_it_too(self) -> None:
        assert base_url(RequestFactory().get("/")) == "http://testserver/first"

    def test_the_setting_goes_before_all(self, settings: LazySettings) -> None:
        settings.TILED_SCIM_BASE_URL = "https://api.example.com/scim/"

        assert base_url(request("/second/Users")) == "https://api.example.com/scim"

    @pytest.mark.django_db
    @pytest.mark.parametrize("mounted", ["first", "second", "outer/inner"])
    def test_locations_are_below_it(self, mounted: str) -> None:
        _, plaintext = new_token()

        response = Client().get(
            f"/{mounted}/Schemas", headers={"Authorization": f"Bearer {plaintext}"}
        )

        location = response.json()["Resources"][0]["meta"]["location"]
        assert location.startswith(f"http://testserver/{mounted}/Schemas/")


def test_without_a_mount_there_is_none(settings: LazySettings) -> None:
    settings.ROOT_URLCONF = WithoutMount

    with pytest.raises(NoReverseMatch):
        base_url(request("/page/"))
