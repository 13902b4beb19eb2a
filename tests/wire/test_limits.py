"""What the server bounds, so that no request takes long whatever is stored: see docs/protocol.md.

`tests/hostile/test_heavy.py` measures what requests cost at these limits.
"""

from __future__ import annotations

from functools import partial

import pytest
from django.conf import LazySettings
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.accounts import ACME, GLOBEX, Together, client_of
from tests.hostile.large import groups, people
from tiled_scim.api import bulk, parsers
from tiled_scim.database.time_limit import time_limit
from tiled_scim.errors import ScimError, too_many
from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, UserLink
from tiled_scim.provisioning import group_members
from tiled_scim.scim import budget, cleaning, member_changes, patch
from tiled_scim.scim.selection import MAX_NAMES
from tiled_scim.sql import rows, search_time

from .client import ANN, BOB, NOBODY, Scim, add_members, group, patch_op, remove_member, user
from .state import refused

TOO_MANY = (400, "tooMany")
TOO_LARGE = (413, None)
INVALID = (400, "invalidValue")

pytestmark = pytest.mark.in_process


class TestSizes:
    def test_a_text(self, scim: Scim, ann: str) -> None:
        longest = "x" * cleaning.MAX_TEXT
        assert scim.put(f"/Users/{ann}", user(ANN, nickName=longest)).status == 200

        title = {"op": "add", "path": "title", "value": f"{longest}x"}
        answer = refused(scim, "PATCH", f"/Users/{ann}", patch_op(title))

        assert answer.error == INVALID
        assert "title" in answer.json["detail"]
        assert str(cleaning.MAX_TEXT) in answer.json["detail"]

    def test_a_resource_in_one_request_and_in_many(self, scim: Scim, ann: str) -> None:
        half = "x" * (cleaning.MAX_RESOURCE_BYTES // 2 - 500)
        body = user(ANN, nickName=half, title=half, displayName="x" * 2000)

        for method, path in (("POST", "/Users"), ("PUT", f"/Users/{ann}")):
            assert refused(scim, method, path, body).error == TOO_LARGE
        for name, error in (("nickName", None), ("title", None), ("displayName", TOO_LARGE)):
            operation = {"op": "replace", "path": name, "value": body[name]}
            answer = scim.patch(f"/Users/{ann}", operation)
            assert (answer.error if error else answer.status) == (error or 200)
        assert "title" in UserLink.objects.get(pk=ann).attributes

    def test_bytes_count_and_members_do_not(
        self, scim: Scim, ann: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cleaning, "MAX_RESOURCE_BYTES", 800)

        wide = user(ANN, nickName="\N{GRINNING FACE}" * 200)
        assert refused(scim, "PUT", f"/Users/{ann}", wide).error == TOO_LARGE
        assert scim.post("/Groups", group("Large", *[ann] * 50)).status == 201

    def test_what_the_host_made_too_large_may_become_smaller(
        self, scim: Scim, ann: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scim.patch(f"/Users/{ann}", {"op": "add", "path": "title", "value": "x" * 900})
        monkeypatch.setattr(cleaning, "MAX_RESOURCE_BYTES", 500)
        larger = {"op": "add", "path": "nickName", "value": "Annie"}
        smaller = {"op": "replace", "path": "title", "value": "x" * 800}

        assert refused(scim, "PATCH", f"/Users/{ann}", patch_op(larger)).error == TOO_LARGE
        assert scim.patch(f"/Users/{ann}", smaller).status == 200

    def test_the_values_of_a_body(self, scim: Scim, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(parsers, "MAX_VALUES", 10)

        answer = refused(scim, "POST", "/Users", user(ANN, roles=[{"value": "x"}] * 10))

        assert answer.error == TOO_LARGE
        assert "10" in answer.json["detail"]

    def test_the_names_of_an_object(self, scim: Scim, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(parsers, "MAX_NAMES", 8)

        assert scim.post("/Users", user(ANN)).status == 201
        names = {str(n): n for n in range(3)}
        assert refused(scim, "POST", "/Users", user(ANN, **names)).error == TOO_LARGE


class TestSelection:
    @pytest.mark.parametrize("name", ["attributes", "excludedAttributes"])
    def test_names(self, scim: Scim, ann: str, name: str) -> None:
        most = ",".join(f"n{n}" for n in range(MAX_NAMES))

        assert scim.post("/Users/.search", {name: most}).status == 200
        answer = refused(scim, "POST", "/Users/.search", {name: f"{most},x"})

        assert answer.error == INVALID
        assert name in answer.json["detail"]
        for method, body in (("GET", None), ("PUT", user(ANN, title="Boss"))):
            answer = refused(scim, method, f"/Users/{ann}?{name}={most},x", body)
            assert answer.error == INVALID


class TestPatches:
    def test_looks_at_values(self, scim: Scim, ann: str, monkeypatch: pytest.MonkeyPatch) -> None:
        roles = {"op": "add", "path": "roles", "value": [{"value": str(n)} for n in range(10)]}
        assert scim.patch(f"/Users/{ann}", roles).status == 200
        monkeypatch.setattr(patch, "MAX_LOOKS", 20)
        once = {"op": "remove", "path": 'roles[value eq "x"]'}
        twice = {"op": "remove", "path": 'roles[value eq "x" or value eq "y"]'}

        for operation in (once, twice):
            assert scim.patch(f"/Users/{ann}", operation).status == 200
        for operations in ([once] * 3, [twice, once], [roles] * 3):
            answer = refused(scim, "PATCH", f"/Users/{ann}", patch_op(*operations))
            assert answer.error == TOO_MANY
            assert "roles" in answer.json["detail"]

    def test_long_values_count_more(
        self, scim: Scim, ann: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scim.patch(f"/Users/{ann}", {"op": "add", "path": "roles", "value": "x" * 10_000})
        monkeypatch.setattr(patch, "MAX_LOOKS", 20)
        removal = {"op": "remove", "path": 'roles[value co "y"]'}

        answer = refused(scim, "PATCH", f"/Users/{ann}", patch_op(removal))

        assert answer.error == TOO_MANY

    @pytest.mark.parametrize("members", ["", "-and-added"])
    def test_looks_at_members(
        self, scim: Scim, ann: str, sales: str, monkeypatch: pytest.MonkeyPatch, members: str
    ) -> None:
        key = scim.add_group("Large", *people(20))
        groups(1, people(20))  # who do not count
        added = [add_members(*people(20))] if members else []
        monkeypatch.setattr(member_changes, "MAX_LOOKS", 50)
        monkeypatch.setattr("tiled_scim.provisioning.member_search.MAX_LOOKS", 50)
        searches = [{"op": "remove", "path": f'members[value sw "nobody{n}"]'} for n in range(3)]

        assert scim.patch(f"/Groups/{key}", *searches[:2]).status == 204
        answer = refused(scim, "PATCH", f"/Groups/{key}", patch_op(*added, *searches))

        assert answer.error == TOO_MANY
        by_id = map(remove_member, scim.members(key))
        assert scim.patch(f"/Groups/{key}", *by_id, *searches[:1]).status == 204
        assert scim.members(key) == []

    def test_no_members_of_groups_that_are_not_found(
        self, db: None, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = Together
        acme, globex = client_of(ACME), client_of(GLOBEX)
        path = f"/Groups/{acme.add_group('Sales', acme.add_user(ANN), acme.add_user(BOB))}"
        search = patch_op({"op": "remove", "path": 'members[display eq "nobody"]'})
        monkeypatch.setattr("tiled_scim.scim.member_changes.MAX_LOOKS", 1)

        assert refused(acme, "PATCH", path, search).error == TOO_MANY
        assert refused(globex, "PATCH", path, search).error == (404, None)
        LibraryGroupLink.objects.update(unlinked_at=timezone.now())
        assert refused(acme, "PATCH", path, search).error == (404, None)

    def test_all_filters_read_the_members_once_and_before_the_lock(
        self, scim: Scim, sales: str
    ) -> None:
        searches = [{"op": "remove", "path": f'members[display eq "nobody{n}"]'} for n in range(5)]
        with CaptureQueriesContext(connection) as queries:
            assert scim.patch(f"/Groups/{sales}", *searches).status == 204

        sql = [query["sql"].replace("`", '"') for query in queries.captured_queries]
        reads = [place for place, text in enumerate(sql) if '"display"' in text]
        begin = next(place for place, text in enumerate(sql) if text.startswith("SAVEPOINT"))
        assert len(reads) == 1
        assert reads[0] < begin

    def test_comparisons_of_all_paths(
        self, scim: Scim, ann: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(budget._LIMITS, "comparisons", (3, "{} comparisons"))
        path = 'emails[type eq "work" and value eq "x"]'

        answer = refused(
            scim, "PATCH", f"/Users/{ann}", patch_op(*[{"op": "remove", "path": path}] * 2)
        )

        assert answer.error == TOO_LARGE

    def test_members_that_are_named(
        self, scim: Scim, sales: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(budget._LIMITS, "members", (3, "{} members"))
        two = add_members(NOBODY, ANN)

        assert scim.patch(f"/Groups/{sales}", two).status == 204
        assert refused(scim, "PATCH", f"/Groups/{sales}", patch_op(two, two)).error == TOO_LARGE
        body = group("Sales", *[NOBODY] * 4)
        assert refused(scim, "PUT", f"/Groups/{sales}", body).error == TOO_LARGE

    def test_members_that_are_added(self, scim: Scim, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(group_members, "MAX_ADDED_MEMBERS", 3)
        keys = people(8)
        path = f"/Groups/{groups(1, keys[:4])[0]}"
        name = LibraryGroupLink.objects.get().display_name

        for method, body in (
            ("PATCH", patch_op(add_members(*keys[4:]))),
            ("PUT", group(name, *keys)),
        ):
            answer = refused(scim, method, path, body)
            assert answer.error == TOO_LARGE
            assert "3 members at most" in answer.json["detail"]
        answer = refused(scim, "POST", "/Groups", group("Another", *keys))
        assert answer.error == TOO_LARGE
        # Members who are in the group already are none that are added.
        assert scim.put(path, group(name, *keys[:7])).status == 200
        assert LibraryGroupMember.objects.count() == 7


class TestBulk:
    def test_the_operations_share_what_one_request_may_name(
        self, scim: Scim, sales: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(budget._LIMITS, "members", (3, "{} members"))
        data = patch_op(add_members(NOBODY, ANN))
        operation = {"method": "PATCH", "path": f"/Groups/{sales}", "data": data}

        answer = scim.post("/Bulk", {"Operations": [operation] * 2})

        assert [each["status"] for each in answer.json["Operations"]] == ["200", "413"]

    def test_no_operation_starts_after_very_many_changes(
        self, scim: Scim, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keys = groups(4, people(50))
        monkeypatch.setattr(budget, "MAX_STEPS", 60 * budget.STEPS_OF_MEMBER)
        deletions = [{"method": "DELETE", "path": f"/Groups/{key}"} for key in keys]

        answer = scim.post("/Bulk", {"Operations": deletions})

        results = answer.json["Operations"]
        assert [each["status"] for each in results] == ["204", "204", "413", "413"]
        assert "remaining" in results[-1]["response"]["detail"]
        assert LibraryGroupLink.objects.filter(unlinked_at=None).count() == 2
        assert LibraryGroupMember.objects.count() == 100

    def test_no_operation_starts_after_very_many_members_were_added(
        self, scim: Scim, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keys, added = groups(3, []), people(50)
        monkeypatch.setattr(budget, "MAX_STEPS", 60 * budget.STEPS_OF_MEMBER)
        data = patch_op(add_members(*added))
        operations = [{"method": "PATCH", "path": f"/Groups/{key}", "data": data} for key in keys]

        answer = scim.post("/Bulk", {"Operations": operations})

        assert [each["status"] for each in answer.json["Operations"]] == ["200", "200", "413"]
        assert LibraryGroupMember.objects.count() == 100

    def test_no_operation_starts_after_very_many_members_were_searched(
        self, scim: Scim, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        [key] = groups(1, people(50))
        monkeypatch.setattr(budget, "MAX_STEPS", 199)
        path = 'members[display eq "x" or display eq "y"]'
        data = patch_op({"op": "remove", "path": path})
        operation = {"method": "PATCH", "path": f"/Groups/{key}", "data": data}

        answer = scim.post("/Bulk", {"Operations": [operation] * 3})

        assert [each["status"] for each in answer.json["Operations"]] == ["200", "200", "413"]

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_no_operation_starts_after_very_much_was_written(
        self, scim: Scim, monkeypatch: pytest.MonkeyPatch, method: str
    ) -> None:
        keys = people(3)
        monkeypatch.setattr(budget, "MAX_STEPS", 1500)
        large = {"title": "x" * 1000}
        bodies = [
            user(f"u{n}", **large)
            if method == "PUT"
            else patch_op({"op": "replace", "value": large})
            for n in range(3)
        ]
        operations = [
            {"method": method, "path": f"/Users/{key}", "data": body}
            for key, body in zip(keys, bodies, strict=True)
        ]

        answer = scim.post("/Bulk", {"Operations": operations})

        assert [each["status"] for each in answer.json["Operations"]] == ["200", "200", "413"]

    def test_no_operation_starts_after_very_much_was_written_to_groups(
        self, scim: Scim, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keys = groups(3, [])
        monkeypatch.setattr(budget, "MAX_STEPS", 300)
        operations = [
            {
                "method": "PATCH",
                "path": f"/Groups/{key}",
                "data": patch_op({"op": "add", "path": "externalId", "value": str(n) * 200}),
            }
            for n, key in enumerate(keys)
        ]

        answer = scim.post("/Bulk", {"Operations": operations})

        assert [each["status"] for each in answer.json["Operations"]] == ["200", "200", "413"]

    def test_no_operation_starts_after_users_of_very_many_groups_were_renamed(
        self, scim: Scim, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keys = [scim.add_user(f"old{n}") for n in range(2)]
        for n in range(4):
            scim.add_group(f"Group {n}", *keys)
        monkeypatch.setattr(budget, "MAX_STEPS", 3 * budget.STEPS_OF_RENAMED)
        operations = [
            {
                "method": "PATCH",
                "path": f"/Users/{key}",
                "data": patch_op({"op": "replace", "path": "userName", "value": f"new {key}"}),
            }
            for key in keys
        ]

        answer = scim.post("/Bulk", {"Operations": operations})

        assert [each["status"] for each in answer.json["Operations"]] == ["200", "413"]

    def test_no_operation_starts_after_users_left_very_many_groups(
        self, scim: Scim, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keys = people(3)
        groups(4, keys)
        monkeypatch.setattr(budget, "MAX_STEPS", 3 * budget.STEPS_OF_GROUP)
        deletions = [{"method": "DELETE", "path": f"/Users/{key}"} for key in keys]

        answer = scim.post("/Bulk", {"Operations": deletions})

        assert [each["status"] for each in answer.json["Operations"]] == ["204", "413", "413"]
        assert LibraryGroupMember.objects.count() == 8

    @pytest.mark.parametrize("name", ["path", "bulkId", "version"])
    def test_texts(self, scim: Scim, ann: str, name: str) -> None:
        operation = {"method": "DELETE", "path": f"/Users/{ann}", name: "x" * 20_000}

        answer = refused(scim, "POST", "/Bulk", {"Operations": [operation]})

        results = answer.json.get("Operations", [answer.json])
        assert results[0]["status"] == "400"
        assert len(answer.text) < 1000

    def test_a_text_that_is_repeated(self, scim: Scim) -> None:
        post = {"method": "POST", "path": "/Users", "data": user(ANN)}

        operation = {**post, "bulkId": "x" * (bulk.MAX_REPEATED + 1)}
        answer = refused(scim, "POST", "/Bulk", {"Operations": [operation]})

        assert answer.error == INVALID
        operation = {**post, "bulkId": "x" * bulk.MAX_REPEATED}
        assert scim.post("/Bulk", {"Operations": [operation]}).status == 200


class TestPages:
    def test_of_groups_with_many_members_are_shorter(
        self, scim: Scim, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keys = groups(4, people(20))
        monkeypatch.setattr(rows, "MAX_MEMBERSHIPS", 50)

        found: list[str] = []
        while True:
            answer = scim.get("/Groups", startIndex=len(found) + 1, count=100)
            assert answer.json["totalResults"] == 4
            if not answer.json["Resources"]:
                break
            assert answer.json["itemsPerPage"] == len(answer.json["Resources"]) == 2
            assert all(len(each["members"]) == 20 for each in answer.json["Resources"])
            found += [each["id"] for each in answer.json["Resources"]]
        assert sorted(found) == sorted(keys)

    def test_by_cursor_lead_to_the_rest_in_both_directions(
        self, scim: Scim, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        groups(4, people(20))
        monkeypatch.setattr(rows, "MAX_MEMBERSHIPS", 50)
        get = partial(scim.get, "/Groups", count=100)

        first = get(cursor="").json
        last = get(cursor=first["nextCursor"]).json
        back = get(cursor=last["previousCursor"]).json

        assert [page["itemsPerPage"] for page in (first, last, back)] == [2, 2, 2]
        assert "nextCursor" not in last
        assert back["Resources"] == first["Resources"]

    def test_have_all_groups_without_members_and_at_least_one_with_them(
        self, scim: Scim, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        groups(4, people(20))
        monkeypatch.setattr(rows, "MAX_MEMBERSHIPS", 5)

        assert scim.get("/Groups", excludedAttributes="members").json["itemsPerPage"] == 4
        assert scim.get("/Groups").json["itemsPerPage"] == 1
        assert scim.get("/Groups", count=2).json["itemsPerPage"] == 1
        assert scim.get("/", filter="members pr").json["itemsPerPage"] == 1

    def test_have_any_number_of_groups_without_members(
        self, scim: Scim, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        groups(6, [])
        monkeypatch.setattr(rows, "MAX_MEMBERSHIPS", 5)

        assert scim.get("/Groups").json["itemsPerPage"] == 6

    def test_of_users_in_very_many_groups_are_refused(
        self, scim: Scim, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keys = people(2)
        groups(3, keys)
        monkeypatch.setattr(rows, "MAX_MEMBERSHIPS", 4)

        answer = refused(scim, "GET", "/Users")

        assert answer.error == TOO_MANY
        assert "count" in answer.json["detail"]
        assert scim.get("/Users", count=1).status == 200
        assert len(scim.get(f"/Users/{keys[0]}").json["groups"]) == 3


class TestTimeOfSearches:
    def test_a_search_that_takes_too_long(
        self, scim: Scim, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        people(300, {"roles": [{"value": "x" * 100} for n in range(100)]})
        monkeypatch.setattr(search_time, "SECONDS", 0.01)
        filter_ = " or ".join(f'roles co "{n}"' for n in range(50))

        for path, query in (
            ("/Users", {"filter": filter_}),
            ("/Users", {"filter": filter_, "cursor": ""}),
            ("/", {"filter": filter_}),
        ):
            answer = scim.get(path, **query)
            assert answer.error == TOO_MANY
            assert "userName" in answer.json["detail"]
        assert scim.get("/Users").json["totalResults"] == 300

    def test_what_an_index_serves_has_no_limit(
        self, scim: Scim, ann: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*args: object) -> None:
            raise AssertionError("no search")

        monkeypatch.setattr(search_time, "time_limit", refuse)
        for filter_ in (
            f'userName eq "{ANN}"',
            f'userName eq "{ANN}" and active eq true',
            f'emails[type eq "work"].value eq "{ANN}"',
            f'id eq "{ann}"',
        ):
            assert scim.found("/Users", filter_) == [ann]

    def test_no_statement_of_another_request_is_limited(self, scim: Scim, ann: str) -> None:
        assert scim.found("/Users", 'title co "x"') == []

        assert _limit() == 0

    def test_other_errors_are_as_they_were(self, db: None) -> None:
        error = too_many("too slow")
        with pytest.raises(OperationalError), time_limit(connection.alias, 5, error):
            raise OperationalError("no connection")
        with pytest.raises(ScimError), time_limit(connection.alias, 5, error):
            raise error


def _limit() -> float:
    """The time that the database gives a statement, or 0."""
    query = {
        "PostgreSQL": "SHOW statement_timeout",
        "MariaDB": "SELECT @@max_statement_time",
        "MySQL": "SELECT @@max_execution_time",
    }.get(connection.display_name)
    if query is None:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(query)
        [[limit]] = cursor.fetchall()
    return float(limit)
