"""Filters by email address: what they find, and what they read to find it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.tokens import new_token
from tiled_scim.host import HostAdapter
from tiled_scim.models import StoredEmail, UserLink

from .client import ANN, BOB, CARL, Scim, user
from .test_deep_pages import READS, add_people, execute, of_links, planned_as_if_large

HOME = "Ann@Home.example"
FORMS = (
    'emails.value eq "{}"',
    'emails eq "{}"',
    'urn:ietf:params:scim:schemas:core:2.0:User:emails.value eq "{}"',
    'emails[value eq "{}"]',
    'emails[value eq "{}" and value pr]',
    'active eq true and emails.value eq "{}"',
    'emails.value eq "{}" and not (userName eq "nobody")',
    'userName eq "nobody" or emails.value eq "{}"',
    'emails[value eq "nobody" or value eq "{}"]',
)


class HostWithoutEmails(HostAdapter):
    """A host whose users have no field for an email address."""

    @property
    def user_fields(self) -> dict[str, str]:
        fields = dict(super().user_fields)
        del fields["emails.value"]
        return fields


class HostWithOtherField(HostAdapter):
    """A host that keeps the address in a column which is not the user model's email field."""

    @property
    def user_fields(self) -> dict[str, str]:
        return {**super().user_fields, "name.familyName": "email", "emails.value": "last_name"}


def emails(work: str, home: str) -> list[dict[str, object]]:
    return [{"value": work, "type": "work", "primary": True}, {"value": home, "type": "home"}]


def stored() -> dict[str, list[str]]:
    """The stored addresses of each userName."""
    rows = StoredEmail.objects.order_by("folded").values_list("link__user_name", "folded")
    found: dict[str, list[str]] = {}
    for name, folded in rows:
        found.setdefault(name, []).append(folded)
    return found


@pytest.mark.parametrize("adapter", [HostAdapter, HostWithoutEmails, HostWithOtherField])
class TestWhatIsFound:
    @pytest.fixture(autouse=True)
    def _host(self, settings: Any, adapter: type[HostAdapter]) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = adapter

    @pytest.fixture
    def ann(self, scim: Scim) -> str:
        scim.add_user(BOB)
        return scim.add_user(ANN, emails=emails(ANN, HOME))

    @pytest.mark.parametrize("form", FORMS)
    def test_the_person_who_has_the_address(self, scim: Scim, ann: str, form: str) -> None:
        for address in (ANN, HOME, ANN.upper(), HOME.lower()):
            assert scim.found("/Users", form.format(address)) == [ann], address

    @pytest.mark.parametrize("form", FORMS)
    def test_nobody_where_nobody_has_it(self, scim: Scim, ann: str, form: str) -> None:
        for address in (CARL, f"{ANN} ", "änn@example.com", "%", ""):
            assert scim.found("/Users", form.format(address)) == [], address

    @pytest.mark.parametrize(
        ("type_", "address", "is_found"),
        [("work", ANN, True), ("home", HOME, True), ("home", ANN, False), ("work", HOME, False)],
    )
    def test_only_the_element_that_has_all_that_is_asked_for(
        self, scim: Scim, ann: str, type_: str, address: str, is_found: bool
    ) -> None:
        expected = [ann] if is_found else []
        for text in (
            f'emails[type eq "{type_}"].value eq "{address}"',
            f'emails[type eq "{type_}" and value eq "{address}"]',
        ):
            assert scim.found("/Users", text) == expected

    def test_all_who_have_the_address(self, scim: Scim, ann: str) -> None:
        carl = scim.add_user(CARL, emails=emails(CARL, HOME.lower()))

        assert scim.found("/Users", f'emails.value eq "{HOME}"') == [ann, carl]
        either = f'emails.value eq "{ANN}" or emails.value eq "{CARL}" or userName eq "{CARL}"'
        assert scim.found("/Users", either) == [ann, carl]

    def test_whoever_fits_an_alternative_that_no_index_finds(self, scim: Scim, ann: str) -> None:
        text = f'emails.value eq "{CARL}" or emails[type eq "home"]'

        assert scim.found("/Users", text) == [ann]

    def test_letters_beyond_ascii_in_any_case(self, scim: Scim) -> None:
        addresses = emails("Édith.Öß@example.com", "İrem.ΣΑΣ@home.example")
        edith = scim.add_user("edith", emails=addresses)

        for address in (
            *("édith.ÖSS@example.com", "edith.öß@example.com", "irem.σας@home.example"),
            *("\u0131rem.σας@home.example", "İREM.ΣΑ@home.example"),
        ):
            assert scim.found("/Users", f'emails.value eq "{address}"') == []
        for address in ("éDITH.öß@EXAMPLE.com", "i̇rem.σας@home.example", "İREM.ΣΑΣ@home.example"):
            assert scim.found("/Users", f'emails.value eq "{address}"') == [edith]

    def test_an_address_longer_than_what_the_index_has_of_it(self, scim: Scim) -> None:
        long = "x" * 250 + "@example.com"
        ann = scim.add_user(ANN, emails=emails(ANN, f"{long}.a"))
        scim.add_user(BOB, emails=emails(BOB, f"{long}.b"))

        assert scim.found("/Users", f'emails.value eq "{long}.A"') == [ann]

    def test_nobody_of_another_account_and_nobody_who_was_deleted(
        self, scim: Scim, ann: str
    ) -> None:
        other = Scim(f"Bearer {new_token('other')[1]}")
        for address in (ANN, HOME):
            assert other.found("/Users", f'emails.value eq "{address}"') == []
        scim.delete(f"/Users/{ann}")

        for address in (ANN, HOME):
            assert scim.found("/Users", f'emails.value eq "{address}"') == []


class TestStoredAddresses:
    @pytest.fixture
    def ann(self, scim: Scim) -> str:
        return scim.add_user(ANN, emails=emails(ANN, HOME))

    def test_are_those_that_the_host_has_no_place_for(self, scim: Scim, ann: str) -> None:
        scim.add_user(BOB)

        assert stored() == {ANN: ["ann@home.example"]}

    def test_are_all_where_the_host_has_no_place_for_any(self, scim: Scim, settings: Any) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = HostWithoutEmails
        scim.add_user(ANN, emails=emails(ANN, HOME))
        scim.add_user(BOB)

        assert stored() == {ANN: [ANN, "ann@home.example"], BOB: [BOB]}

    def test_follow_a_put(self, scim: Scim, ann: str) -> None:
        scim.put(f"/Users/{ann}", user(ANN, emails=emails(ANN, "new@home.example")))
        assert stored() == {ANN: ["new@home.example"]}

        scim.put(f"/Users/{ann}", user(ANN))
        assert stored() == {}

    def test_follow_a_patch(self, scim: Scim, ann: str) -> None:
        other = {"value": "ann@other.example", "type": "other"}
        scim.patch(f"/Users/{ann}", {"op": "add", "path": "emails", "value": [other]})
        assert stored() == {ANN: ["ann@home.example", "ann@other.example"]}

        path = 'emails[type eq "home"].value'
        scim.patch(f"/Users/{ann}", {"op": "replace", "path": path, "value": "a@b.example"})
        assert stored() == {ANN: ["a@b.example", "ann@other.example"]}

        scim.patch(f"/Users/{ann}", {"op": "remove", "path": "emails"})
        assert stored() == {}

    def test_change_places_with_the_one_that_the_host_keeps(self, scim: Scim, ann: str) -> None:
        switched = [{"value": ANN, "type": "work"}, {"value": HOME, "primary": True}]
        scim.put(f"/Users/{ann}", user(ANN, emails=switched))

        assert stored() == {ANN: [ANN]}
        assert User.objects.get(username=ANN).email == HOME

    def test_are_there_once_however_often_an_address_is_sent(self, scim: Scim) -> None:
        scim.add_user(ANN, emails=[*emails(ANN, HOME), {"value": HOME.upper(), "type": "other"}])

        assert stored() == {ANN: ["ann@home.example"]}

    def test_follow_somebody_who_is_pushed_again(self, scim: Scim, ann: str) -> None:
        scim.delete(f"/Users/{ann}")
        scim.add_user(ANN, emails=emails(ANN, "new@home.example"))

        assert stored() == {ANN: ["new@home.example"]}

    def test_go_with_the_host_user(self, scim: Scim, ann: str) -> None:
        User.objects.get(username=ANN).delete()

        assert stored() == {}

    def test_cost_a_change_of_something_else_no_statement(self, scim: Scim, ann: str) -> None:
        with CaptureQueriesContext(connection) as queries:
            scim.deactivate(ann)
            title = {"op": "replace", "path": "title", "value": "Boss"}
            scim.patch(f"/Users/{ann}", title)
            scim.put(f"/Users/{ann}", user(ANN, title="Head", emails=emails(ANN, HOME)))

        assert not [query for query in queries if "storedemail" in query["sql"]]

    def test_cost_one_statement_each_where_they_come_and_go(self, scim: Scim, ann: str) -> None:
        with CaptureQueriesContext(connection) as queries:
            scim.put(f"/Users/{ann}", user(ANN, emails=emails(ANN, "new@home.example")))

        touched = [query["sql"].split()[0] for query in queries if "storedemail" in query["sql"]]
        assert touched == ["DELETE", "INSERT"]

    def test_follow_a_link_that_was_read_again_or_in_part(self, scim: Scim, ann: str) -> None:
        link = UserLink.objects.get(pk=ann)
        scim.put(f"/Users/{ann}", user(ANN, emails=emails(ANN, "new@home.example")))
        before = link.attributes
        link.refresh_from_db()
        link.attributes = before
        link.save()
        assert stored() == {ANN: ["ann@home.example"]}

        link = UserLink.objects.only("user_name").get(pk=ann)
        link.attributes = {}
        link.save()
        assert stored() == {}

    def test_stay_as_they_are_where_the_json_is_not_saved(self, scim: Scim, ann: str) -> None:
        link = UserLink.objects.get(pk=ann)
        link.attributes = {}
        link.save(update_fields=["version"])
        assert stored() == {ANN: ["ann@home.example"]}

        link.save()
        assert stored() == {}


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no index of the host's table")
@pytest.mark.in_process
@pytest.mark.django_db(transaction=True)
class TestWhatIsRead:
    @pytest.fixture(autouse=True)
    def _indexes(self, db: None) -> Iterator[None]:
        call_command("scim_index", verbosity=0)
        yield
        call_command("scim_index", "--undo", verbosity=0)

    @pytest.fixture(autouse=True)
    def _people(self, db: None) -> None:
        add_people(2_000, of_a_moment=3)
        placeholder = {"type": "work", "primary": True}
        UserLink.objects.update(attributes={"emails": [placeholder]})
        link = UserLink.objects.get(user_name="person78")
        second = {"value": "Person78@Home.example", "type": "work"}
        link.attributes = {"emails": [placeholder, second]}
        link.save()
        User.objects.filter(username="person79").update(email="Person79@Example.com")
        if connection.vendor == "mysql":
            execute("ANALYZE TABLE auth_user, tiled_scim_userlink, tiled_scim_storedemail")

    @pytest.mark.parametrize("address", ["person78@home.example", "person79@example.com"])
    def test_are_a_few_entries_of_indexes(self, scim: Scim, address: str) -> None:
        for form in (*FORMS, 'emails[type eq "work"].value eq "{}"'):
            with planned_as_if_large(), CaptureQueriesContext(connection) as queries:
                [found] = scim.found("/Users", form.format(address))
                reads = sum(READS[connection.vendor](sql) for sql in of_links(queries))

            assert UserLink.objects.get(pk=found).user_name == address.partition("@")[0]
            # It would be over 2,000.
            assert 1 <= reads < 60, form
