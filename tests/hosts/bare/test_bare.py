"""A host without a setting: Libraries are Django's groups, usernames are e-mail addresses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group, Permission

from tests.hosts.bare.people.models import Person
from tests.hosts.contract import HostContract
from tests.hosts.messages import add_members, group, person
from tiled_scim import signals
from tiled_scim.errors import ScimError
from tiled_scim.models import Action, LibraryGroupLink, ScimEvent, UserLink
from tiled_scim.provider_check.client import OktaClient
from tiled_scim.provider_check.expectations import TILED_SCHEMA
from tiled_scim.provisioning.moving import move

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


@pytest.fixture
def client(okta: Callable[[str], OktaClient]) -> OktaClient:
    return okta("")


class TestBare(HostContract):
    """The contract of every host."""


class TestUsers:
    def test_the_email_address_is_the_username(self, client: OktaClient) -> None:
        answer = client.send("POST", "/Users", person("ada", "ada@example.com"))

        assert answer.status == 201, answer.text
        assert answer.json["userName"] == "ada"
        assert answer.json["emails"] == person("ada", "ada@example.com")["emails"]
        assert Person.objects.get().get_username() == "ada@example.com"
        assert not Person.objects.get().has_usable_password()

    def test_a_person_without_an_email_address_gets_the_user_name_for_one(
        self, client: OktaClient
    ) -> None:
        answer = client.send("POST", "/Users", person("ada@example.com", emails=[]))

        assert answer.status == 201, answer.text
        assert Person.objects.get().email == "ada@example.com"

    def test_names_that_the_host_has_no_field_for_come_back_unchanged(
        self, client: OktaClient
    ) -> None:
        key = client.send("POST", "/Users", person("ada", "ada@example.com")).json["id"]

        answer = client.send("GET", f"/Users/{key}")

        assert answer.json["name"] == {"givenName": "Ada", "familyName": "Lovelace"}
        assert UserLink.objects.get().attributes["name"] == answer.json["name"]

    def test_they_can_be_searched(self, client: OktaClient) -> None:
        client.send("POST", "/Users", person("ada", "ada@example.com"))
        for filter_, count in {
            'name.familyName eq "lovelace"': 1,
            'name.familyName eq "byron"': 0,
            'emails.value eq "ADA@example.com"': 1,
            'userName sw "ad" and active eq true': 1,
        }.items():
            answer = client.send("GET", "/Users", query={"filter": filter_})
            assert (answer.status, answer.json["totalResults"]) == (200, count), filter_

    def test_a_person_of_the_host_is_adopted_by_email_address(self, client: OktaClient) -> None:
        existing = Person.objects.create(email="Ada@Example.com")

        answer = client.send("POST", "/Users", person("ada", "ada@example.com"))

        assert answer.status == 201, answer.text
        assert Person.objects.get() == existing
        assert UserLink.objects.get().user_id == existing.pk

    def test_a_person_of_the_host_is_not_given_to_two(self, client: OktaClient) -> None:
        client.send("POST", "/Users", person("ada", "ada@example.com"))

        answer = client.send("POST", "/Users", person("ada.lovelace", "ada@example.com"))

        assert (answer.status, answer.json["scimType"]) == (409, "uniqueness")
        assert UserLink.objects.count() == Person.objects.count() == 1

    def test_another_user_name_leaves_the_email_address_that_was_sent_with_it(
        self, client: OktaClient
    ) -> None:
        body = person("ada@example.com")
        key = client.send("POST", "/Users", body).json["id"]

        answer = client.send("PUT", f"/Users/{key}", body | {"userName": "ada.l@example.com"})

        assert answer.status == 200, answer.text
        assert answer.json["userName"] == "ada.l@example.com"
        assert answer.json["emails"] == body["emails"]
        assert Person.objects.get().email == "ada@example.com"

    def test_another_email_address_is_another_username(self, client: OktaClient) -> None:
        key = client.send("POST", "/Users", person("ada", "ada@example.com")).json["id"]

        answer = client.send("PUT", f"/Users/{key}", person("ada", "ada@example.org"))

        assert answer.json["emails"][0]["value"] == "ada@example.org"
        assert Person.objects.get().get_username() == "ada@example.org"

    def test_tiled_admin_is_staff(self, client: OktaClient) -> None:
        body = person("ada", "ada@example.com", **{TILED_SCHEMA: {"tiledAdmin": True}})

        answer = client.send("POST", "/Users", body)

        assert answer.json[TILED_SCHEMA] == {"tiledAdmin": True}
        assert Person.objects.get().is_staff


class TestGroups:
    def test_a_pushed_group_is_a_group_of_djangos(self, client: OktaClient) -> None:
        key = client.send("POST", "/Users", person("ada", "ada@example.com")).json["id"]

        answer = client.send("POST", "/Groups", group("Surfaces", key))

        assert answer.status == 201, answer.text
        assert [member["value"] for member in answer.json["members"]] == [key]
        surfaces = Group.objects.get()
        assert surfaces.name == "Surfaces"
        assert list(Person.objects.filter(groups=surfaces)) == [Person.objects.get()]
        assert LibraryGroupLink.objects.get().library_id == surfaces.pk

    def test_a_group_that_people_made_is_not_taken_over(self, client: OktaClient) -> None:
        moderators = Group.objects.create(name="Moderators")
        key = client.send("POST", "/Users", person("ada", "ada@example.com")).json["id"]

        answer = client.send("POST", "/Groups", group("Moderators", key))

        assert (answer.status, answer.json["scimType"]) == (409, "uniqueness")
        assert not Person.objects.filter(groups=moderators).exists()
        assert not LibraryGroupLink.objects.exists()

    @pytest.mark.parametrize("has_permissions", [False, True])
    def test_nor_is_one_of_djangos_where_libraries_may_be(
        self, client: OktaClient, settings: LazySettings, has_permissions: bool
    ) -> None:
        settings.TILED_SCIM_ADOPT_LIBRARIES = True
        editors = Group.objects.create(name="Editors")
        if has_permissions:
            editors.permissions.add(*Permission.objects.all()[:3])
        ada = client.send("POST", "/Users", person("ada", "ada@example.com")).json["id"]

        answer = client.send("POST", "/Groups", group("Editors", ada))

        assert answer.status == 409, answer.text
        assert not LibraryGroupLink.objects.exists()
        assert not editors.user_set.exists()
        assert not Person.objects.get().get_all_permissions()

    def test_a_name_that_is_too_long_for_the_host_is_refused(self, client: OktaClient) -> None:
        answer = client.send("POST", "/Groups", group("x" * 151))

        assert (answer.status, answer.json["scimType"]) == (400, "invalidValue")
        assert "150" in answer.json["detail"]
        assert not Group.objects.exists()


class TestProtection:
    """Groups with permissions protect their members, unless SCIM put them there."""

    @pytest.fixture
    def ada(self, client: OktaClient) -> str:
        return str(client.send("POST", "/Users", person("ada", "ada@example.com")).json["id"])

    def change(self, client: OktaClient, key: str) -> int:
        body = person("ada", "ada@example.com", title="Countess")
        return client.send("PUT", f"/Users/{key}", body).status

    @pytest.fixture
    def editors(self) -> Group:
        group = Group.objects.create(name="Editors")
        group.permissions.add(Permission.objects.all()[0])
        return group

    def test_group_of_scim_protects_nobody(self, client: OktaClient, ada: str) -> None:
        client.send("POST", "/Groups", group("Surfaces", ada))
        Group.objects.get().permissions.add(Permission.objects.all()[0])

        assert Person.objects.get().get_all_permissions()
        assert self.change(client, ada) == 200

    def test_group_that_people_chose_protects(
        self, client: OktaClient, ada: str, editors: Group
    ) -> None:
        Person.objects.get().groups.add(editors)

        assert self.change(client, ada) == 403

    def test_membership_that_people_gave_before_scim_protects(
        self, client: OktaClient, ada: str
    ) -> None:
        key = client.send("POST", "/Groups", group("Surfaces")).json["id"]
        Person.objects.get().groups.add(Group.objects.get())
        client.send("PATCH", f"/Groups/{key}", add_members(ada))
        assert self.change(client, ada) == 200

        Group.objects.get().permissions.add(Permission.objects.all()[0])

        assert self.change(client, ada) == 403

    def test_group_that_scim_unlinked_protects(self, client: OktaClient, ada: str) -> None:
        key = client.send("POST", "/Groups", group("Surfaces", ada)).json["id"]
        Group.objects.get().permissions.add(Permission.objects.all()[0])
        client.send("DELETE", f"/Groups/{key}")

        assert self.change(client, ada) == 200
        Person.objects.get().groups.add(Group.objects.get())
        assert self.change(client, ada) == 403

    def test_member_of_a_group_is_not_adopted(self, client: OktaClient, editors: Group) -> None:
        existing = Person.objects.create(email="ada@example.com")
        existing.groups.add(editors)

        answer = client.send("POST", "/Users", person("ada", "ada@example.com"))

        assert (answer.status, answer.json["scimType"]) == (409, "uniqueness")
        assert not UserLink.objects.exists()


class TestNamesOfUnlinkedGroups:
    """Names of Django's groups are unique. The Library of a deleted group holds one."""

    @pytest.fixture
    def moulds(self, client: OktaClient) -> str:
        """Return the id of a group. Another one, “Surfaces”, was deleted."""
        ada = client.send("POST", "/Users", person("ada", "ada@example.com")).json["id"]
        surfaces = client.send("POST", "/Groups", group("Surfaces", ada)).json["id"]
        assert client.send("DELETE", f"/Groups/{surfaces}").status == 204
        key: str = client.send("POST", "/Groups", group("Moulds", ada)).json["id"]
        return key

    def test_a_rename_takes_the_name(self, client: OktaClient, moulds: str) -> None:
        old_library = Group.objects.get(name="Surfaces")
        client.send("PUT", f"/Groups/{moulds}", {**group("Surfaces"), "members": []})

        answer = client.send("GET", f"/Groups/{moulds}")

        assert answer.json["displayName"] == "Surfaces"
        link = LibraryGroupLink.objects.get(pk=moulds)
        assert link.library is not None
        assert link.library.name == "Surfaces"
        old_library.refresh_from_db()
        assert old_library.name == "Surfaces (unlinked)"
        assert set(Group.objects.values_list("name", flat=True)) == {
            "Surfaces",
            "Surfaces (unlinked)",
        }

    def test_the_page_of_the_unlinked_group_says_so(self, client: OktaClient, moulds: str) -> None:
        client.send("PUT", f"/Groups/{moulds}", group("Surfaces"))

        unlinked = LibraryGroupLink.objects.exclude(unlinked_at=None).get()
        event = ScimEvent.objects.filter(resource_id=unlinked.pk).latest("pk")
        assert event.action == Action.LIBRARY_RENAMED
        assert event.changes["attributes"] == {"library": ["Surfaces", "Surfaces (unlinked)"]}

    def test_the_host_hears_of_both_names(self, client: OktaClient, moulds: str) -> None:
        heard = []

        def hear(link: LibraryGroupLink, library: Group, **arguments: Any) -> None:
            heard.append((link.display_name, str(link.pk) == moulds, library.name))

        signals.library_renamed.connect(hear)
        try:
            client.send("PUT", f"/Groups/{moulds}", group("Surfaces"))
        finally:
            signals.library_renamed.disconnect(hear)

        assert heard == [
            ("Surfaces", False, "Surfaces (unlinked)"),
            ("Surfaces", True, "Surfaces"),
        ]

    def test_a_second_one_gets_a_number(self, client: OktaClient, moulds: str) -> None:
        Group.objects.create(name="Surfaces (unlinked)")

        client.send("PUT", f"/Groups/{moulds}", group("Surfaces"))

        assert Group.objects.filter(name="Surfaces (unlinked 2)").exists()

    def test_a_long_one_is_cut_off(self, client: OktaClient) -> None:
        name = "x" * 150
        assert Group._meta.get_field("name").max_length == len(name)
        key = client.send("POST", "/Groups", group(name)).json["id"]
        client.send("DELETE", f"/Groups/{key}")
        other = client.send("POST", "/Groups", group("Plates")).json["id"]

        assert client.send("PUT", f"/Groups/{other}", group(name)).status == 200

        names = set(Group.objects.values_list("name", flat=True))
        assert names == {name, f"{name[:-11]} (unlinked)"}

    def test_a_push_of_a_name_that_another_group_gave_up(
        self, client: OktaClient, moulds: str
    ) -> None:
        client.send("PUT", f"/Groups/{moulds}", group("Surfaces"))
        client.send("DELETE", f"/Groups/{moulds}")
        other = client.send("POST", "/Groups", group("Plates")).json["id"]

        answer = client.send("PUT", f"/Groups/{other}", group("Surfaces"))

        assert answer.status == 200, answer.text
        names = set(Group.objects.values_list("name", flat=True))
        assert names == {"Surfaces", "Surfaces (unlinked)", "Surfaces (unlinked 2)"}

    def test_a_library_that_people_renamed_keeps_its_name(
        self, client: OktaClient, moulds: str
    ) -> None:
        Group.objects.filter(name="Surfaces").update(name="Plates")

        answer = client.send("PUT", f"/Groups/{moulds}", group("Plates"))

        assert (answer.status, answer.json["scimType"]) == (409, "uniqueness")
        assert set(Group.objects.values_list("name", flat=True)) == {"Plates", "Moulds"}

    def test_a_library_that_a_live_group_feeds_keeps_its_name(
        self, client: OktaClient, moulds: str
    ) -> None:
        move(LibraryGroupLink.objects.get(pk=moulds), Group.objects.get(name="Surfaces").pk, "me")
        plates = client.send("POST", "/Groups", group("Plates")).json["id"]

        answer = client.send("PUT", f"/Groups/{plates}", group("Surfaces"))

        assert (answer.status, answer.json["scimType"]) == (409, "uniqueness")
        names = set(Group.objects.values_list("name", flat=True))
        assert names == {"Surfaces", "Moulds", "Plates"}


class TestMoving:
    """Django's groups carry permissions: a pushed group moves only where SCIM made the other."""

    def refusal(self, group: Group) -> str:
        with pytest.raises(ScimError) as refused:
            move(LibraryGroupLink.objects.get(display_name="Surfaces"), group.pk, "a test")
        assert refused.value.status == 409
        return refused.value.detail

    @pytest.fixture(autouse=True)
    def groups(self, client: OktaClient) -> None:
        key = client.send("POST", "/Users", person("ada", "ada@example.com")).json["id"]
        client.send("POST", "/Groups", group("Surfaces", key))
        client.send("POST", "/Groups", group("Moulds"))

    def test_to_one_that_scim_made(self) -> None:
        moulds = Group.objects.get(name="Moulds")

        move(LibraryGroupLink.objects.get(display_name="Surfaces"), moulds.pk, "a test")

        assert list(Person.objects.get().groups.all()) == [moulds]

    def test_to_one_that_people_made_is_refused(self) -> None:
        assert "Moderators" in self.refusal(Group.objects.create(name="Moderators"))

    def test_to_one_that_holds_permissions_is_refused(self) -> None:
        moulds = Group.objects.get(name="Moulds")
        moulds.permissions.add(Permission.objects.all()[0])

        assert "Moulds" in self.refusal(moulds)
        assert Person.objects.get().groups.get().name == "Surfaces"
