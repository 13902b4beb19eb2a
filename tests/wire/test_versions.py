"""ETags and conditional requests: RFC 7644 section 3.14."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.simple_project.libraries.models import Library

from .client import ANN, BOB, Answer, Scim, add_members, patch_op, remove_member, user
from .state import people, refused

STALE = {"If-Match": 'W/"stale"'}

PERSON_CHANGES: dict[str, Callable[[Scim, str], object]] = {
    "a PATCH": lambda scim, key: scim.patch(
        f"/Users/{key}", {"op": "replace", "path": "title", "value": "Boss"}
    ),
    "a PUT": lambda scim, key: scim.put(f"/Users/{key}", user(ANN, title="Boss")),
    "deactivation": lambda scim, key: scim.deactivate(key),
    "an edit in the host": lambda scim, key: User.objects.filter(username=ANN).update(
        first_name="Hanna"
    ),
    "a group": lambda scim, key: scim.add_group("Sales", key),
}


def delete_with(user_delete: str) -> Callable[[Scim, str, Any], object]:
    """DELETE, where the host has this setting."""

    def end(scim: Scim, path: str, settings: Any) -> object:
        settings.TILED_SCIM_USER_DELETE = user_delete
        return scim.delete(path)

    return end


ENDS: dict[str, Callable[[Scim, str, Any], object]] = {
    "DELETE that deactivates": delete_with("deactivate"),
    "DELETE that deletes": delete_with("delete"),
    "the host deleting the user": lambda scim, path, settings: User.objects.get().delete(),
    "the host deleting all users": lambda scim, path, settings: User.objects.all().delete(),
}

# What is done with the only group of a person.
GROUP_CHANGES: dict[str, Callable[[Scim, str], object]] = {
    "another name": lambda scim, path: scim.put(path, {"displayName": "Field"}),
    "its members going": lambda scim, path: scim.patch(path, {"op": "remove", "path": "members"}),
    "its end": lambda scim, path: scim.delete(path),
    "the host deleting its Library": lambda scim, path: Library.objects.get().delete(),
}

# The bodies of writes, by endpoint and method.
CHANGES: dict[tuple[str, str], object] = {
    ("Users", "PUT"): user(ANN, active=False),
    ("Users", "PATCH"): patch_op({"op": "replace", "value": {"active": False}}),
    ("Groups", "PUT"): {"displayName": "Other"},
    ("Groups", "PATCH"): patch_op({"op": "replace", "value": {"displayName": "Other"}}),
}


def an_id(scim: Scim, endpoint: str) -> str:
    """The id of the only person or of the only group."""
    return {"Users": scim.add_user(ANN), "Groups": scim.add_group("Sales")}[endpoint]


def etag(answer: Answer) -> str:
    assert answer.headers["ETag"] == answer.json["meta"]["version"]
    return answer.headers["ETag"]


def version(scim: Scim, path: str) -> str:
    return etag(scim.get(path))


class TestVersions:
    def test_are_the_same_in_the_header_and_in_meta(self, scim: Scim) -> None:
        created = scim.post("/Users", user(ANN))
        path = f"/Users/{created.json['id']}"

        assert etag(created) == version(scim, path)
        assert etag(scim.put(path, user(ANN, title="Boss"))) == version(scim, path)
        listed = scim.get("/Users").json["Resources"][0]
        assert listed["meta"]["version"] == version(scim, path)

    def test_are_the_same_in_a_list_with_the_groups_sorted_by_name(self, scim: Scim) -> None:
        ann = scim.add_user(ANN)
        names = ["Echo", "Alpha", "Delta", "Foxtrot", "Bravo", "Charlie"]
        for name in names:
            scim.add_group(name, ann)

        [listed] = scim.get("/Users").json["Resources"]

        assert [group["display"] for group in listed["groups"]] == sorted(names)
        assert listed == scim.get(f"/Users/{ann}").json

    def test_come_with_times_in_utc(self, scim: Scim) -> None:
        """RFC 7643 section 2.3.5 has one form for dates, with “Z” for UTC."""
        meta = scim.get(f"/Users/{scim.add_user(ANN)}").json["meta"]

        for name in ("created", "lastModified"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", meta[name])

    @pytest.mark.parametrize("uses_time_zones", [True, False])
    def test_come_with_times_in_utc_whatever_the_time_zone_of_the_host(
        self, scim: Scim, settings: Any, uses_time_zones: bool
    ) -> None:
        settings.TIME_ZONE, settings.USE_TZ = "Asia/Tokyo", uses_time_zones
        begin = datetime.now(UTC)

        created = scim.get(f"/Users/{scim.add_user(ANN)}").json["meta"]["created"]

        assert begin <= datetime.fromisoformat(created) <= datetime.now(UTC)

    @pytest.mark.parametrize("change", PERSON_CHANGES.values(), ids=PERSON_CHANGES)
    def test_of_a_person_change_with(
        self, scim: Scim, change: Callable[[Scim, str], object]
    ) -> None:
        key = scim.add_user(ANN)
        before = version(scim, f"/Users/{key}")

        change(scim, key)

        assert version(scim, f"/Users/{key}") != before

    @pytest.mark.parametrize("change", GROUP_CHANGES.values(), ids=GROUP_CHANGES)
    def test_of_a_person_change_with_the_groups_that_are_shown(
        self, scim: Scim, change: Callable[[Scim, str], object]
    ) -> None:
        key = scim.add_user(ANN)
        group_key = scim.add_group("Sales", key)
        before = scim.get(f"/Users/{key}")

        change(scim, f"/Groups/{group_key}")

        after = scim.get(f"/Users/{key}")
        assert after.json.get("groups") != before.json["groups"]
        assert etag(after) != etag(before)

    @pytest.mark.parametrize(
        "other", [{"title": "Boss"}, {"name": {"givenName": "Anna"}}], ids=["SCIM", "the host"]
    )
    def test_of_a_person_who_is_as_before_are_new(
        self, scim: Scim, other: dict[str, object]
    ) -> None:
        key = scim.add_user(ANN)
        answers = [scim.get(f"/Users/{key}")]

        answers += [scim.put(f"/Users/{key}", user(ANN, **values)) for values in (other, {})]

        assert len({etag(answer) for answer in answers}) == 3
        times = [answer.json["meta"]["lastModified"] for answer in answers]
        assert times == sorted(set(times))

    def test_stay_with_a_request_that_changes_nothing(self, scim: Scim) -> None:
        key = scim.add_user(ANN)
        before = scim.get(f"/Users/{key}").json

        scim.patch(f"/Users/{key}", {"op": "replace", "value": {"active": True}})
        scim.put(f"/Users/{key}", before)

        assert scim.get(f"/Users/{key}").json == before

    def test_of_a_group_change_with_its_members(self, scim: Scim) -> None:
        ann, sales = scim.add_user(ANN), scim.add_group("Sales")
        path = f"/Groups/{sales}"
        seen = [version(scim, path)]

        scim.patch(path, {"op": "add", "path": "members", "value": [{"value": ann}]})
        seen.append(version(scim, path))
        scim.patch(f"/Users/{ann}", {"op": "replace", "path": "userName", "value": BOB})
        seen.append(version(scim, path))
        scim.patch(path, remove_member(ann))
        seen.append(version(scim, path))

        assert len(set(seen)) == 4

    @pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
    def test_of_a_group_change_with_the_end_of_a_member(
        self, scim: Scim, settings: Any, end: Callable[[Scim, str, Any], object]
    ) -> None:
        ann = scim.add_user(ANN)
        sales = scim.add_group("Sales")
        without = version(scim, f"/Groups/{sales}")
        scim.patch(f"/Groups/{sales}", add_members(ann))
        before = scim.get(f"/Groups/{sales}")

        end(scim, f"/Users/{ann}", settings)

        after = scim.get(f"/Groups/{sales}")
        assert after.json["members"] == []
        assert etag(after) not in (etag(before), without)
        assert after.json["meta"]["lastModified"] > before.json["meta"]["lastModified"]

    def test_of_a_group_stay_with_a_change_of_a_member_that_it_does_not_show(
        self, scim: Scim
    ) -> None:
        ann = scim.add_user(ANN)
        sales = scim.add_group("Sales", ann)
        before = scim.get(f"/Groups/{sales}").json

        scim.patch(f"/Users/{ann}", {"op": "replace", "path": "title", "value": "Boss"})
        scim.deactivate(ann)

        assert scim.get(f"/Groups/{sales}").json == before

    def test_of_a_group_stay_with_members_whom_it_has(self, scim: Scim) -> None:
        ann = scim.add_user(ANN)
        path = f"/Groups/{scim.add_group('Sales', ann)}"
        before = scim.get(path).json

        scim.patch(path, {"op": "add", "path": "members", "value": [{"value": ann}]})
        scim.put(path, before)

        assert scim.get(path).json == before

    def test_of_a_group_do_not_depend_on_the_attributes_asked_for(self, scim: Scim) -> None:
        sales = scim.add_group("Sales", scim.add_user(ANN))

        answer = scim.get(f"/Groups/{sales}", excludedAttributes="members")

        assert "members" not in answer.json
        assert etag(answer) == version(scim, f"/Groups/{sales}")


class TestIfNoneMatch:
    @pytest.mark.parametrize("form", ["{}", 'W/"x", {}', "*"])
    def test_of_the_version_that_it_is_answers_304(self, scim: Scim, form: str) -> None:
        path = f"/Users/{scim.add_user(ANN)}"
        tag = version(scim, path)

        answer = scim.send("GET", path, headers={"If-None-Match": form.format(tag)})

        assert (answer.status, answer.text) == (304, "")
        assert answer.headers["ETag"] == tag

    def test_of_another_version_answers_the_resource(self, scim: Scim) -> None:
        path = f"/Users/{scim.add_user(ANN)}"

        answer = scim.send("GET", path, headers={"If-None-Match": 'W/"stale"'})

        assert (answer.status, answer.json["userName"]) == (200, ANN)

    @pytest.mark.parametrize("form", ["{}", 'W/"x", {}', "*"])
    @pytest.mark.parametrize("match", [{}, {"If-Match": "*"}], ids=["alone", "with If-Match"])
    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
    @pytest.mark.parametrize("endpoint", ["Users", "Groups"])
    def test_of_the_version_that_it_is_refuses_a_write(
        self, scim: Scim, endpoint: str, method: str, match: dict[str, str], form: str
    ) -> None:
        path = f"/{endpoint}/{an_id(scim, endpoint)}"
        headers = {"If-None-Match": form.format(version(scim, path)), **match}

        answer = refused(scim, method, path, CHANGES.get((endpoint, method)), **headers)

        assert answer.status == 412
        assert "If-None-Match" in answer.json["detail"]

    def test_of_another_version_allows_a_write(self, scim: Scim) -> None:
        path = f"/Users/{scim.add_user(ANN)}"
        headers = {"If-None-Match": 'W/"stale"'}

        assert scim.send("PUT", path, user(ANN, active=False), headers).status == 200
        assert people() == {ANN: "inactive"}
        assert refused(scim, "DELETE", path, None, **headers, **STALE).status == 412


class TestIfMatch:
    @pytest.mark.parametrize("form", ["{}", 'W/"x", {}', "*"])
    def test_with_the_current_version_allows_a_write(self, scim: Scim, form: str) -> None:
        path = f"/Users/{scim.add_user(ANN)}"
        headers = {"If-Match": form.format(version(scim, path))}

        answer = scim.send("PUT", path, user(ANN, active=False), headers)

        assert answer.status == 200
        assert people() == {ANN: "inactive"}

    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
    @pytest.mark.parametrize("endpoint", ["Users", "Groups"])
    def test_of_another_version_refuses_a_write(
        self, scim: Scim, endpoint: str, method: str
    ) -> None:
        path = f"/{endpoint}/{an_id(scim, endpoint)}"

        answer = refused(scim, method, path, CHANGES.get((endpoint, method)), **STALE)

        assert answer.status == 412
        assert people() == {ANN: "active"}
        assert Library.objects.get().name == "Sales"
