"""A host behind a proxy: addresses, slashes, caches, ASGI, and keys that are texts."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.contrib.admin.utils import quote
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from tests.hosts.contract import HostContract
from tests.hosts.messages import add_members, group, patch, person
from tests.hosts.proxied.atlas.models import Collection, Membership, Person
from tests.hosts.proxied.conftest import ADDED, OUTSIDE
from tests.tokens import new_token
from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, UserLink
from tiled_scim.provider_check.client import Exchange, Json, OktaClient
from tiled_scim.provisioning.moving import move

BASE_URL = f"{OUTSIDE}/api/scim/v2"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(okta: Callable[[str], OktaClient]) -> OktaClient:
    return okta("")


class Browser:
    """A superuser at the administration, on the other side of the proxy."""

    SECRET = "x" * 32

    def __init__(self, proxy: str) -> None:
        self._proxy = urlsplit(proxy)
        boss: Any = Person.objects.create_superuser("boss")  # the stubs know another user model
        session = Client()
        session.force_login(boss)
        self._headers = {
            "Cookie": f"sessionid={session.cookies['sessionid'].value}; csrftoken={self.SECRET}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": "https://atlas.example.com",
        }

    def read(self, path: str) -> str:
        """The page at a path, or that to which it leads."""
        return self._ask("GET", path)

    def submit(self, path: str, **fields: str) -> str:
        """The page that answers a form."""
        return self._ask("POST", path, urlencode({**fields, "csrfmiddlewaretoken": self.SECRET}))

    def _ask(self, method: str, path: str, form: str = "") -> str:
        connection = HTTPConnection(self._proxy.netloc)
        connection.request(method, self._proxy.path + path, form, self._headers)
        with connection.getresponse() as response:
            if response.status == 302:
                return self.read(response.headers["Location"].removeprefix(self._proxy.path))
            text = response.read().decode()
        assert response.status == 200, text
        return text


@pytest.fixture
def browser(transactional_db: None, proxy: str) -> Browser:
    return Browser(proxy)


def push(client: OktaClient, path: str, body: Json) -> str:
    """The id of what is pushed now."""
    answer = client.send("POST", path, body)
    assert answer.status == 201, answer.text
    return str(answer.json["id"])


def people(client: OktaClient, *names: str) -> list[str]:
    """The ids of people who are pushed now."""
    return [push(client, "/Users", person(f"{name}@example.com")) for name in names]


def readers() -> set[str]:
    """Who may read the only collection."""
    return set(Collection.objects.get().people.values_list("username", flat=True))


class TestProxied(HostContract):
    """The contract of every host: through the proxy, by ASGI."""


class TestAddresses:
    """What the host says of where it is is what the world sees."""

    def test_of_a_new_resource(self, client: OktaClient) -> None:
        answer = client.send("POST", "/Users", person("ada@example.com"))

        location = f"{BASE_URL}/Users/{answer.json['id']}"
        assert answer.headers["Location"] == answer.json["meta"]["location"] == location

    def test_of_members_and_groups(self, client: OktaClient) -> None:
        (ada,) = people(client, "ada")
        maps = push(client, "/Groups", group("Maps", ada))

        (member,) = client.send("GET", f"/Groups/{maps}").json["members"]
        (of_ada,) = client.send("GET", f"/Users/{ada}").json["groups"]

        assert member["$ref"] == f"{BASE_URL}/Users/{ada}"
        assert of_ada["$ref"] == f"{BASE_URL}/Groups/{maps}"

    @pytest.mark.parametrize("path", ["/Schemas", "/ResourceTypes"])
    def test_of_what_can_be_discovered(self, client: OktaClient, path: str) -> None:
        for resource in client.send("GET", path).json["Resources"]:
            assert resource["meta"]["location"].startswith(f"{BASE_URL}{path}/")

    def test_on_the_page_of_the_administration(self, browser: Browser) -> None:
        page = browser.read(reverse("admin:tiled_scim_scimtoken_changelist"))

        assert f'value="{BASE_URL}"' in page

    def test_a_token_that_is_made_there_works(self, browser: Browser, scim_url: str) -> None:
        page = browser.submit(reverse("admin:tiled_scim_scimtoken_generate"), token="")

        (token,) = re.findall(r'value="(tscim_[\w-]{43})"', page)
        assert OktaClient(scim_url, token).send("GET", "/Users").status == 200

    def test_without_tls_nobody_gets_to_scim(self, server: str) -> None:
        address = urlsplit(server).netloc
        connection = HTTPConnection(address)
        headers = ADDED | {"x-forwarded-proto": "http", "Authorization": "Bearer anything"}

        connection.request("POST", "/api/scim/v2/Users", b"{}", headers)

        with connection.getresponse() as response:
            assert (response.status, response.headers["Location"]) == (301, f"{BASE_URL}/Users")
        connection.close()


class TestCaches:
    """Middleware that compresses, and that knows of entity tags."""

    def test_a_tag_is_the_resources_own(self, client: OktaClient) -> None:
        body = person("ada@example.com", title="cartographer " * 40)
        tag = client.send("POST", "/Users", body).headers["ETag"]
        ada = f"/Users/{UserLink.objects.get().pk}"

        read = client.send("GET", ada)

        assert read.headers["Content-Encoding"] == "gzip"
        assert read.headers["ETag"] == read.json["meta"]["version"] == tag

    @pytest.mark.parametrize("method", ["PATCH", "PUT"])
    def test_preconditions_are_scims(self, client: OktaClient, scim_url: str, method: str) -> None:
        (key,) = people(client, "ada")
        tag = client.send("GET", f"/Users/{key}").headers["ETag"]
        bodies = {
            "PATCH": patch({"op": "replace", "value": {"title": "Countess"}}),
            "PUT": person("ada@example.com", title="Countess"),
        }

        def conditional(method: str, name: str, body: Json | None) -> tuple[int, Any]:
            return send(scim_url, method, f"/Users/{key}", body, {name: tag})

        assert conditional("GET", "If-None-Match", None) == (304, None)
        changed, resource = conditional(method, "If-Match", bodies[method])
        assert (changed, resource["title"]) == (200, "Countess")
        status, error = conditional(method, "If-Match", bodies[method])
        assert (status, error["status"]) == (412, "412")
        assert conditional("GET", "If-None-Match", None)[0] == 200


class TestKeys:
    """Users and Libraries are found by texts, in which letter case counts."""

    def test_people_and_collections_are_made_with_them(self, client: OktaClient) -> None:
        (ada,) = people(client, "ada")

        push(client, "/Groups", group("Maps", ada))

        assert Person.objects.get().pk.startswith("usr_")
        membership = Membership.objects.get()
        assert (membership.person, membership.role) == (Person.objects.get(), "reader")
        assert LibraryGroupLink.objects.get().library_id == membership.collection.pk

    def test_those_that_differ_in_letter_case_are_two(self, client: OktaClient) -> None:
        for name, key in {"ada": "usr_q/B1", "bob": "usr_Q/b1"}.items():
            Person.objects.create(pk=key, username=f"{name}@example.com")
        keys = people(client, "ada", "bob")
        maps = push(client, "/Groups", group("Maps", *keys))
        assert readers() == {"ada@example.com", "bob@example.com"}

        removal = patch({"op": "remove", "path": f'members[value eq "{keys[0]}"]'})
        assert client.send("PATCH", f"/Groups/{maps}", removal).status == 204

        assert readers() == {"bob@example.com"}

    def test_what_people_took_away_manually_is_found_and_fixed(self, client: OktaClient) -> None:
        push(client, "/Groups", group("Maps", *people(client, "ada", "bob")))
        Membership.objects.filter(person__username="ada@example.com").delete()
        with pytest.raises(CommandError, match="Found 1 problem"):
            call_command("scim_resync", "--dry-run")

        call_command("scim_resync")

        assert readers() == {"ada@example.com", "bob@example.com"}

    def test_the_longest_one_has_room(self, client: OktaClient) -> None:
        longest = "usr_" + "ü" * 36
        Person.objects.create(pk=longest, username="ada@example.com")

        people(client, "ada")

        assert str(UserLink.objects.get().user_id) == longest

    def test_a_group_can_be_fed_into_another_collection(
        self, client: OktaClient, browser: Browser
    ) -> None:
        maps = push(client, "/Groups", group("Maps", *people(client, "ada")))
        atlases = Collection.objects.create(pk="col_a/1 ü", name="Atlases")
        address = reverse("admin:tiled_scim_librarygrouplink_move", args=[maps])
        query = urlencode({"library": atlases.pk})
        assert f"?{query}" in browser.read(address)
        assert "ada@example.com" in browser.read(f"{address}?{query}")

        move(LibraryGroupLink.objects.get(), atlases.pk, "a test")

        assert Membership.objects.get().collection == atlases

    def test_a_key_that_no_row_can_have_is_no_librarys(
        self, client: OktaClient, browser: Browser
    ) -> None:
        maps = push(client, "/Groups", group("Maps"))
        address = reverse("admin:tiled_scim_librarygrouplink_move", args=[maps])

        assert "There is no such collection." in browser.read(f"{address}?library=%00")

    def test_the_pages_of_the_administration_lead_to_each_other(
        self, client: OktaClient, browser: Browser
    ) -> None:
        Person.objects.create(pk="usr_ada/1 ü", username="ada@example.com")
        maps = push(client, "/Groups", group("Maps", *people(client, "ada")))
        pages = {
            "user": reverse("admin:atlas_person_change", args=[quote("usr_ada/1 ü")]),
            "link": reverse("admin:tiled_scim_userlink_change", args=[UserLink.objects.get().pk]),
            "library": reverse(
                "admin:atlas_collection_change", args=[quote(Collection.objects.get().pk)]
            ),
            "group": reverse("admin:tiled_scim_librarygrouplink_change", args=[maps]),
        }
        linked = [("user", "link"), ("link", "user"), ("group", "library"), ("group", "link")]

        for page, other in linked:
            assert f'href="/maps{pages[other]}"' in browser.read(pages[page]), (page, other)


class TestAsgi:
    """Views run in threads, many of them at once."""

    def test_head_has_no_body(self, server: str) -> None:
        status, body = send(f"{server}/api/scim/v2", "HEAD", "/Users", None, ADDED)

        assert (status, body) == (200, None)

    def test_nobody_is_lost(self, client: OktaClient) -> None:
        keys = people(client, *(f"person{number}" for number in range(12)))
        maps = push(client, "/Groups", group("Maps"))

        def add(key: str) -> Exchange:
            return client.send("PATCH", f"/Groups/{maps}", add_members(key))

        with ThreadPoolExecutor(6) as pool:
            statuses = [answer.status for answer in pool.map(add, keys)]

        assert statuses == [204] * 12
        assert LibraryGroupMember.objects.count() == Membership.objects.count() == 12

    def test_a_client_that_hangs_up_can_ask_again(self, client: OktaClient, server: str) -> None:
        names = [f"person{number}@example.com" for number in range(6)]
        token = new_token()[1]
        for name in names:
            hang_up(server, token, person(name), whole=True)
            hang_up(server, token, person(name), whole=False)
        client = OktaClient(client.base_url, token)

        statuses = {client.send("POST", "/Users", person(name)).status for name in names}

        assert statuses <= {201, 409}
        assert sorted(Person.objects.values_list("username", flat=True)) == names
        assert UserLink.objects.count() == len(names)


def send(
    scim_url: str, method: str, path: str, body: Json | None, headers: dict[str, str]
) -> tuple[int, Any]:
    """The status and the JSON of an answer to a request with these headers besides Okta's."""
    url = urlsplit(scim_url)
    connection = HTTPConnection(url.netloc)
    token = new_token()[1]
    own = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
    content = json.dumps(body).encode() if body else None
    connection.request(method, url.path + path, content, own | headers)
    response = connection.getresponse()
    text = response.read()
    connection.close()
    return response.status, json.loads(text) if text else None


def hang_up(server: str, token: str, body: Json, *, whole: bool) -> None:
    """Send a request, or the half of one, and wait for no answer."""
    content = json.dumps(body).encode()
    head = [
        "POST /api/scim/v2/Users HTTP/1.1",
        *(f"{name}: {value}" for name, value in ADDED.items()),
        "Host: localhost",
        f"Authorization: Bearer {token}",
        "Content-Type: application/scim+json",
        f"Content-Length: {len(content)}",
    ]
    request = "\r\n".join([*head, "", ""]).encode() + content
    url = urlsplit(server)
    with socket.create_connection((url.hostname or "", url.port or 0)) as connection:
        connection.sendall(request if whole else request[:-20])
