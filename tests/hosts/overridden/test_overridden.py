"""A host with every setting of SCIM's: each does what it says, for two accounts kept apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import LazySettings
from django.db import connections
from django.test import Client
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from tests.hosts.contract import HostContract
from tests.hosts.messages import add_members, group, patch, person
from tests.hosts.overridden.customers.models import Customer, Person
from tests.hosts.overridden.workspaces.models import Seat, Workspace
from tiled_scim import clients
from tiled_scim.connections import Actor
from tiled_scim.models import LibraryGroupLink, ScimEvent, ScimToken, UserLink
from tiled_scim.provider_check.client import Exchange, OktaClient
from tiled_scim.provider_check.expectations import ERROR_SCHEMA, TILED_SCHEMA
from tiled_scim.provider_check.names import names_for

BASE_URL = "https://scim.example.com/sync/people"

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


@pytest.fixture
def acme(okta: Callable[[str], OktaClient]) -> OktaClient:
    return okta("acme")


@pytest.fixture
def globex(okta: Callable[[str], OktaClient]) -> OktaClient:
    return okta("globex")


def add_person(client: OktaClient, user_name: str, **attributes: Any) -> str:
    """The id of a person who is pushed now."""
    answer = client.send("POST", "/Users", person(user_name, **attributes))
    assert answer.status == 201, answer.text
    return str(answer.json["id"])


def add_group(client: OktaClient, name: str, *members: str) -> str:
    """The id of a group that is pushed now."""
    answer = client.send("POST", "/Groups", group(name, *members))
    assert answer.status == 201, answer.text
    return str(answer.json["id"])


def ids(client: OktaClient, path: str, **query: str | int) -> set[str]:
    answer = client.send("GET", path, query=query)
    assert answer.status == 200, answer.text
    assert answer.json["totalResults"] == len(answer.json["Resources"])
    return {resource["id"] for resource in answer.json["Resources"]}


def post_form(form: dict[str, str]) -> Any:
    """The answer to a token request."""
    content_type = "application/x-www-form-urlencoded"
    return Client().post("/sync/people/oauth/token", urlencode(form), content_type)


def is_error(answer: Exchange, status: int, scim_type: str | None = None) -> bool:
    """Whether the answer is a SCIM error with this status."""
    body = answer.json
    assert answer.content_type == "application/scim+json", answer.text
    assert body["schemas"] == [ERROR_SCHEMA]
    assert body["status"] == str(answer.status)
    return (answer.status, body.get("scimType")) == (status, scim_type)


class TestOverridden(HostContract):
    accounts = ("acme", "globex")

    def test_each_account_has_a_person_of_its_own_after_it(self, scim_url: str) -> None:
        self.test_the_sequence_of_a_provider_passes(scim_url, "okta")

        people = Person.objects.order_by("customer")
        assert [somebody.customer.key for somebody in people] == ["acme", "globex"]
        assert [somebody.email for somebody in people] == [
            names_for("acme").user,
            names_for("globex").user,
        ]
        assert not Workspace.objects.exists()
        assert not Seat.objects.exists()

    def test_nothing_was_migrated_to_a_database_that_is_not_ours(self) -> None:
        names = connections["default"].introspection.table_names()

        assert not [name for name in names if name != "django_migrations"]


class TestSettings:
    def test_library_model_and_its_fields(self, acme: OktaClient) -> None:
        ada = add_person(acme, "ada@acme.example")

        add_group(acme, "Surfaces", ada)

        workspace = Workspace.objects.get()
        assert (workspace.customer.key, workspace.title) == ("acme", "Surfaces")
        assert [somebody.email for somebody in workspace.people.all()] == ["ada@acme.example"]
        assert not workspace.followers.exists()
        assert Seat.objects.get().role == "reader"
        assert LibraryGroupLink.objects.get().library_id == workspace.pk

    def test_rename_and_removal_reach_the_workspace(self, acme: OktaClient) -> None:
        ada, bob = (add_person(acme, f"{name}@acme.example") for name in ("ada", "bob"))
        surfaces = add_group(acme, "Surfaces", ada, bob)
        removal = {"op": "remove", "path": f'members[value eq "{ada}"]'}
        rename = {"op": "replace", "value": {"id": surfaces, "displayName": "Moulds"}}

        answer = acme.send("PATCH", f"/Groups/{surfaces}", patch(rename, removal))

        assert answer.status == 204, answer.text
        workspace = Workspace.objects.get()
        assert workspace.title == "Moulds"
        assert [somebody.email for somebody in workspace.people.all()] == ["bob@acme.example"]

    def test_fields_of_the_host_user(self, acme: OktaClient) -> None:
        add_person(acme, "ada@acme.example", **{TILED_SCHEMA: {"tiledAdmin": True}})

        ada = Person.objects.get()
        assert (ada.given_name, ada.surname) == ("Ada", "Lovelace")
        assert (ada.is_curator, ada.is_staff) == (True, False)
        assert ada.customer.key == "acme"
        assert not ada.has_usable_password()

    def test_adopt_users_by_email(self, acme: OktaClient) -> None:
        existing = Person.objects.create(customer_id="acme", email="Ada@acme.example")

        add_person(acme, "ada-1815", email="ada@acme.example")

        assert Person.objects.get() == existing
        assert UserLink.objects.get().user_id == existing.pk

    def test_adopt_libraries(self, acme: OktaClient) -> None:
        existing = Workspace.objects.create(customer_id="acme", title="Surfaces")

        add_group(acme, "Surfaces")

        assert Workspace.objects.get() == existing
        assert LibraryGroupLink.objects.get().library_id == existing.pk

    def test_unknown_members_are_rejected(self, acme: OktaClient) -> None:
        surfaces = add_group(acme, "Surfaces")
        ada = add_person(acme, "ada@acme.example")

        answer = acme.send("PATCH", f"/Groups/{surfaces}", add_members(ada, surfaces))

        assert is_error(answer, 400, "invalidValue")
        assert surfaces in answer.json["detail"]
        assert not Seat.objects.exists()

    def test_user_delete_deletes(self, acme: OktaClient) -> None:
        ada = add_person(acme, "ada@acme.example")
        surfaces = add_group(acme, "Surfaces", ada)

        answer = acme.send("DELETE", f"/Users/{ada}")

        assert answer.status == 204, answer.text
        assert not Person.objects.exists()
        assert not UserLink.objects.exists()
        assert not Seat.objects.exists()
        assert acme.send("GET", f"/Groups/{surfaces}").json.get("members", []) == []
        assert is_error(acme.send("GET", f"/Users/{ada}"), 404)
        assert add_person(acme, "ada@acme.example") != ada

    def test_token_lifetime(self, acme: OktaClient) -> None:
        token = ScimToken.objects.get()

        assert token.expires_at is not None
        assert token.expires_at - token.created_at == pytest.approx(
            timedelta(days=90), abs=timedelta(minutes=1)
        )
        ScimToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        assert is_error(acme.send("GET", "/Users"), 401)

    def test_page_sizes(self, acme: OktaClient) -> None:
        for number in range(7):
            add_person(acme, f"person{number}@acme.example")

        sizes = {
            count: acme.send("GET", "/Users", query=query).json["itemsPerPage"]
            for count, query in (("none", {}), ("many", {"count": 100}), ("few", {"count": 2}))
        }

        assert sizes == {"none": 3, "many": 5, "few": 2}

    def test_throttle(self, acme: OktaClient, settings: LazySettings) -> None:
        settings.TILED_SCIM_THROTTLE = "1/day"

        allowed, refused = acme.send("GET", "/Users"), acme.send("GET", "/Users")

        assert allowed.status == 200
        assert is_error(refused, 429)
        assert 0 < int(refused.headers["Retry-After"]) <= 86400

    def test_base_url(self, acme: OktaClient) -> None:
        answer = acme.send("POST", "/Users", person("ada@acme.example"))

        location = f"{BASE_URL}/Users/{answer.json['id']}"
        assert answer.headers["Location"] == answer.json["meta"]["location"] == location

    def test_enabled(self, acme: OktaClient, globex: OktaClient) -> None:
        Customer.objects.filter(key="acme").update(has_scim=False)

        assert is_error(acme.send("GET", "/Users"), 403)
        assert globex.send("GET", "/Users").status == 200


class TestHostileSettings:
    def test_the_script_name_is_in_the_urls(
        self, acme: OktaClient, settings: LazySettings, live_server: LiveServer
    ) -> None:
        settings.TILED_SCIM_BASE_URL = None

        answer = acme.send("POST", "/Users", person("ada@acme.example"))

        base = f"{live_server.url}/product/sync/people"
        assert answer.headers["Location"] == f"{base}/Users/{answer.json['id']}"

    def test_text_comes_back_as_it_was_sent(self, acme: OktaClient) -> None:
        name = {"givenName": "Zoë", "familyName": "Łukasiewicz 李"}

        answer = acme.send("POST", "/Users", person("zoe@acme.example", name=name, title="1.234,5"))

        assert answer.json["name"] == name
        assert answer.json["title"] == "1.234,5"
        assert "Łukasiewicz 李" in answer.text

    def test_times_are_right_without_time_zones(self, acme: OktaClient) -> None:
        before = datetime.now(UTC).replace(microsecond=0)

        meta = acme.send("POST", "/Users", person("ada@acme.example")).json["meta"]

        for name in ("created", "lastModified"):
            assert before <= datetime.fromisoformat(meta[name]) <= datetime.now(UTC)

    @pytest.mark.parametrize(("offset", "is_found"), [(-1, True), (1, False)])
    def test_times_are_searched_without_time_zones(
        self, acme: OktaClient, offset: int, is_found: bool
    ) -> None:
        ada = add_person(acme, "ada@acme.example")
        moment = datetime.now(UTC) + timedelta(minutes=offset)

        found = ids(acme, "/Users", filter=f'meta.created gt "{moment:%Y-%m-%dT%H:%M:%SZ}"')

        assert found == ({ada} if is_found else set())

    def test_errors_are_in_one_language(self, acme: OktaClient, settings: LazySettings) -> None:
        said = []
        for settings.LANGUAGE_CODE in ("en", "de", "ar"):
            answers = [
                acme.send("POST", "/Schemas"),
                acme.send("GET", "/Nothing"),
                acme.send("GET", "/Users", authorization="Bearer wrong"),
                acme.send("GET", "/Users", query={"filter": "userName"}),
            ]
            said.append([answer.json["detail"] for answer in answers])

        assert said[0] == said[1] == said[2]

    @pytest.mark.parametrize("path", ["/Nothing", "/Users/x/y", "/admin/", "/Groups/"])
    def test_nobody_is_sent_to_a_login_page(self, acme: OktaClient, path: str) -> None:
        assert is_error(acme.send("GET", path, authorization="Bearer wrong"), 401)
        assert acme.send("GET", path).status == (200 if path == "/Groups/" else 404)

    def test_a_refused_request_leaves_nothing_behind(self, acme: OktaClient) -> None:
        answer = acme.send("POST", "/Groups", group("Surfaces", "nobody"))

        assert is_error(answer, 400, "invalidValue")
        assert not Workspace.objects.exists()
        assert not LibraryGroupLink.objects.exists()


class TestClients:
    def test_get_access_tokens_whatever_the_host_has_set(self) -> None:
        new = clients.create("acme", "Entra ID", Actor("a test"))
        assert new.secret is not None
        values = {"client_id": new.client.client_id, "client_secret": new.secret.plaintext}
        form = {"grant_type": "client_credentials", **values}

        granted = post_form(form)
        refused = post_form({**form, "scope": "x"})
        unknown = post_form({**form, "client_id": "x"})

        answers = [granted, refused, unknown]
        assert [answer.status_code for answer in answers] == [200, 400, 401]
        assert {answer.headers["Content-Type"] for answer in answers} == {"application/json"}
        assert refused.json()["error"] == "invalid_scope"
        authorization = f"Bearer {granted.json()['access_token']}"
        config = Client().get(
            "/sync/people/ServiceProviderConfig", headers={"Authorization": authorization}
        )
        assert f"{BASE_URL}/oauth/token" in config.text
        events = ScimEvent.objects.order_by("pk").values_list("account", "status")
        assert list(events) == [("acme", None), ("acme", 400), (None, 401)]


class TestAccounts:
    """Neither account sees, finds, counts, changes or conflicts with what is the other's."""

    @pytest.fixture
    def theirs(self, globex: OktaClient) -> Iterator[dict[str, str]]:
        """What Globex has, by endpoint; it is the same when the test is over."""
        hank = add_person(globex, "hank@example.com", externalId="hank")
        keys = {"/Users": hank, "/Groups": add_group(globex, "Doomsday", hank)}
        before = {path: globex.send("GET", f"{path}/{key}").json for path, key in keys.items()}
        yield keys
        after = {path: globex.send("GET", f"{path}/{key}").json for path, key in keys.items()}
        assert after == before
        assert Seat.objects.filter(workspace__customer="globex").count() == 1

    @pytest.mark.parametrize("path", ["/Users", "/Groups"])
    def test_lists(self, acme: OktaClient, theirs: dict[str, str], path: str) -> None:
        assert ids(acme, path) == set()

    @pytest.mark.parametrize(
        ("path", "filter_"),
        [
            ("/Users", 'userName eq "hank@example.com"'),
            ("/Users", 'userName ne "nobody"'),
            ("/Users", 'externalId eq "hank" or not (active eq false)'),
            ("/Users", 'groups.display eq "Doomsday"'),
            ("/Groups", 'displayName eq "Doomsday"'),
            ("/Groups", "members pr"),
        ],
    )
    def test_filters(
        self, acme: OktaClient, theirs: dict[str, str], path: str, filter_: str
    ) -> None:
        answer = acme.send("GET", path, query={"filter": filter_})

        assert answer.status in {200, 400}, answer.text
        assert answer.status == 400 or answer.json["totalResults"] == 0

    @pytest.mark.parametrize("path", ["/Users", "/Groups"])
    @pytest.mark.parametrize(
        ("method", "body"),
        [
            ("GET", None),
            ("PUT", person("mallory@example.com", displayName="Mallory")),
            ("PATCH", patch({"op": "replace", "value": {"displayName": "Mallory"}})),
            ("DELETE", None),
        ],
    )
    def test_single_resources(
        self,
        acme: OktaClient,
        theirs: dict[str, str],
        path: str,
        method: str,
        body: dict[str, object] | None,
    ) -> None:
        assert is_error(acme.send(method, f"{path}/{theirs[path]}", body), 404)

    def test_members(self, acme: OktaClient, theirs: dict[str, str]) -> None:
        surfaces = add_group(acme, "Surfaces")

        answer = acme.send("PATCH", f"/Groups/{surfaces}", add_members(theirs["/Users"]))

        assert is_error(answer, 400, "invalidValue")
        assert acme.send("GET", f"/Groups/{surfaces}").json.get("members", []) == []

    def test_the_same_person_and_group(self, acme: OktaClient, theirs: dict[str, str]) -> None:
        hank = add_person(acme, "hank@example.com", externalId="hank")
        doomsday = add_group(acme, "Doomsday", hank)

        assert {hank, doomsday}.isdisjoint(theirs.values())
        assert Person.objects.filter(email="hank@example.com").count() == 2
        assert Workspace.objects.filter(title="Doomsday").count() == 2

    def test_deactivation(self, acme: OktaClient, theirs: dict[str, str]) -> None:
        hank = add_person(acme, "hank@example.com")

        acme.send("PATCH", f"/Users/{hank}", patch({"op": "replace", "value": {"active": False}}))

        active = dict(Person.objects.values_list("customer", "is_active"))
        assert active == {"acme": False, "globex": True}

    def test_rows_that_people_made(self, acme: OktaClient) -> None:
        Person.objects.create(customer_id="globex", email="hank@example.com")
        Workspace.objects.create(customer_id="globex", title="Doomsday")

        add_group(acme, "Doomsday", add_person(acme, "hank@example.com"))

        assert Person.objects.get(scim_links__isnull=False).customer.key == "acme"
        assert Workspace.objects.get(scim_links__isnull=False).customer.key == "acme"

    def test_tokens(self, acme: OktaClient, globex: OktaClient) -> None:
        current = ScimToken.objects.current("acme").newest
        assert current is not None
        current.revoke()

        assert is_error(acme.send("GET", "/Users"), 401)
        assert globex.send("GET", "/Users").status == 200
