"""What Okta asks for, rows 1, 2 and 7 of its requests: credentials test, lookup, import."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from tests.factories import make_user
from tests.rows import insert
from tiled_scim.models import UserLink

from .client import ANN, BOB, CARL, LIST_SCHEMA, OKTA_CONTENT_TYPE, Scim


class TestRow1TestApiCredentials:
    @pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  ", ""])
    @pytest.mark.parametrize("content_type", [OKTA_CONTENT_TYPE, None])
    def test_both_lists_answer_with_whole_numbers(
        self, token: str, scheme: str, content_type: str | None
    ) -> None:
        okta = Scim(scheme + token)
        headers = {"Content-Type": content_type} if content_type else {}

        users = okta.send("GET", "/Users?startIndex=1&count=2", headers=headers)
        groups = okta.send("GET", "/Groups?startIndex=1&count=100", headers=headers)

        for answer in (users, groups):
            assert answer.status == 200
            assert answer.json == {
                "schemas": [LIST_SCHEMA],
                "totalResults": 0,
                "startIndex": 1,
                "itemsPerPage": 0,
                "Resources": [],
            }

    def test_the_list_has_as_many_as_were_asked_for(self, scim: Scim) -> None:
        for name in (ANN, BOB, CARL):
            scim.add_user(name)

        body = scim.send("GET", "/Users?startIndex=1&count=2").json

        assert [resource["userName"] for resource in body["Resources"]] == [ANN, BOB]
        assert (body["totalResults"], body["startIndex"], body["itemsPerPage"]) == (3, 1, 2)

    @pytest.mark.parametrize("scheme", ["Bearer ", ""])
    def test_a_wrong_token_is_refused(self, token: str, scheme: str) -> None:
        okta = Scim(scheme + token[:-1])

        assert okta.send("GET", "/Users?startIndex=1&count=2").status == 401


class TestRow2Lookup:
    @pytest.mark.parametrize(
        "filter_",
        [
            "userName%20eq%20%22ann%2Btest%40example.com%22",
            "userName+eq+%22ann%2Btest%40example.com%22",
            "userName+eq+%22ann%2Btest@example.com%22",
            "userName%20eq%20%22ANN%2BTest%40Example.COM%22",
            "username%20EQ%20%22ann%2Btest%40example.com%22",
        ],
    )
    def test_a_person_is_found_in_every_encoding_and_letter_case(
        self, scim: Scim, filter_: str
    ) -> None:
        scim.add_user(BOB)
        key = scim.add_user("Ann+Test@example.com")

        answer = scim.send("GET", f"/Users?filter={filter_}&startIndex=1&count=100")

        assert answer.status == 200
        assert answer.json["totalResults"] == 1
        assert answer.json["Resources"] == [scim.get(f"/Users/{key}").json]

    def test_nobody_is_an_empty_list(self, scim: Scim) -> None:
        scim.add_user(ANN)

        assert scim.found("/Users", f'userName eq "{BOB}"') == []

    def test_deactivated_people_are_found(self, scim: Scim) -> None:
        key = scim.add_user(ANN)
        scim.deactivate(key)

        assert scim.found("/Users", f'userName eq "{ANN}"') == [key]

    def test_people_whom_okta_did_not_push_are_not_found(self, scim: Scim) -> None:
        make_user(ANN)

        assert scim.found("/Users", f'userName eq "{ANN}"') == []


class TestRow7Import:
    TOTAL = 205

    def test_pages_of_a_hundred_have_every_person_once(self, scim: Scim) -> None:
        hosts = insert(User(username=f"person{number}") for number in range(self.TOTAL))
        UserLink.objects.bulk_create(
            UserLink(user=host, user_name=host.username, user_name_canonical=host.username)
            for host in hosts
        )

        names = []
        for start_index in (1, 101, 201):
            body = scim.send("GET", f"/Users?startIndex={start_index}&count=100").json
            assert body["totalResults"] == self.TOTAL
            assert body["startIndex"] == start_index
            names += [resource["userName"] for resource in body["Resources"]]

        assert len(names) == self.TOTAL
        assert set(names) == {host.username for host in hosts}

    def test_somebody_who_comes_meanwhile_moves_nobody_to_another_page(self, scim: Scim) -> None:
        ids = [scim.add_user(name) for name in ("zoe", "yann", "xaver")]
        first = scim.get("/Users", startIndex=1, count=2).json["Resources"]

        ids.append(scim.add_user("aaron"))
        second = scim.get("/Users", startIndex=3, count=2).json["Resources"]

        assert [resource["id"] for resource in (*first, *second)] == ids
