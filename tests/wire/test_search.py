"""`POST /.search` and queries of the root: RFC 7644 sections 3.4.2.1 and 3.4.3."""

from __future__ import annotations

import pytest

from .client import ANN, BOB, ENTERPRISE_USER, Answer, Scim

SEARCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


@pytest.fixture
def directory(scim: Scim) -> dict[str, str]:
    """Two people and two groups: id by name."""
    ann, bob = scim.add_user(ANN, title="Boss"), scim.add_user(BOB)
    return {ANN: ann, BOB: bob, "Sales": scim.add_group("Sales", ann), "Ops": scim.add_group("Ops")}


def search(scim: Scim, path: str = "", **query: object) -> Answer:
    return scim.post(f"{path}/.search", {"schemas": [SEARCH_SCHEMA], **query})


def ids(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.text
    return [resource["id"] for resource in answer.json["Resources"]]


class TestOneEndpoint:
    def test_a_body_finds_what_a_url_finds(self, scim: Scim, directory: dict[str, str]) -> None:
        query = {"filter": f'userName eq "{ANN}"', "startIndex": 1, "count": 5}

        assert search(scim, "/Users", **query).json == scim.get("/Users", **query).json

    def test_attributes_are_a_list(self, scim: Scim, directory: dict[str, str]) -> None:
        answer = search(scim, "/Users", attributes=["userName", "title"], sortBy="userName")

        resource = answer.json["Resources"][0]
        assert (resource["userName"], resource["title"]) == (ANN, "Boss")
        assert resource.keys() == {"schemas", "id", "userName", "title"}

    def test_names_are_case_insensitive(self, scim: Scim, directory: dict[str, str]) -> None:
        answer = search(
            scim, "/Groups", FILTER='displayName eq "sales"', ExcludedAttributes="members"
        )

        assert ids(answer) == [directory["Sales"]]
        assert "members" not in answer.json["Resources"][0]

    @pytest.mark.parametrize(
        ("query", "scim_type"),
        [
            ({"filter": "nothing"}, "invalidFilter"),
            ({"filter": ""}, "invalidFilter"),
            ({"filter": {"a": 1}}, "invalidValue"),
            ({"count": "many"}, "invalidValue"),
            ({"count": True}, "invalidValue"),
            ({"attributes": [1]}, "invalidValue"),
            ({"sortOrder": "up", "sortBy": "userName"}, "invalidValue"),
        ],
    )
    def test_what_no_query_can_have_is_400(
        self, scim: Scim, query: dict[str, object], scim_type: str
    ) -> None:
        assert search(scim, "/Users", **query).error == (400, scim_type)

    @pytest.mark.parametrize("body", [[], "text", 5])
    def test_a_body_that_is_no_object_is_400(self, scim: Scim, body: object) -> None:
        assert scim.post("/Users/.search", body).error == (400, "invalidSyntax")

    @pytest.mark.parametrize("path", ["/.search", "/Users/.search", "/Groups/.search"])
    def test_other_methods_are_405(self, scim: Scim, path: str) -> None:
        assert scim.get(path).status == 405


class TestRoot:
    def test_all_types_are_found(self, scim: Scim, directory: dict[str, str]) -> None:
        answer = search(scim)

        assert ids(answer) == list(directory.values())
        assert answer.json["totalResults"] == 4
        assert scim.get("/").json == answer.json

    @pytest.mark.parametrize(
        ("filter_", "names"),
        [
            ('meta.resourceType eq "Group"', ["Sales", "Ops"]),
            (f'userName eq "{ANN}" or displayName eq "Ops"', [ANN, "Ops"]),
            (f'userName ne "{ANN}"', [BOB, "Sales", "Ops"]),
            ("members pr", ["Sales"]),
            ("not (members pr)", [ANN, BOB, "Ops"]),
            ('members.value ne "x"', [ANN, BOB, "Sales", "Ops"]),
            ('emails.value ne "x" and not (members pr)', [ANN, BOB, "Ops"]),
            ("members.value eq null", [ANN, BOB, "Ops"]),
            ('members[value ne "x"]', ["Sales"]),
            (f"{ENTERPRISE_USER}:manager.value ne null", []),
            ("title eq null", [BOB, "Sales", "Ops"]),
            ("title ne null", [ANN]),
            (f'{ENTERPRISE_USER}:department eq "x" or title co "oss"', [ANN]),
            ('emails[type eq "work" and primary eq true]', [ANN, BOB]),
        ],
    )
    def test_what_a_type_does_not_have_is_absent_there(
        self, scim: Scim, directory: dict[str, str], filter_: str, names: list[str]
    ) -> None:
        assert ids(search(scim, filter=filter_)) == [directory[name] for name in names]

    def test_what_no_type_has_is_an_error(self, scim: Scim, directory: dict[str, str]) -> None:
        answer = search(scim, filter='shoeSize eq "44"')

        assert answer.error == (400, "invalidFilter")
        assert "shoeSize" in answer.json["detail"]

    def test_a_filter_that_is_given_twice_is_an_error(
        self, scim: Scim, directory: dict[str, str]
    ) -> None:
        answer = scim.send("GET", "/?filter=userName%20eq%20%22x%22&filter=id%20pr")

        assert answer.error == (400, "invalidFilter")

    def test_an_empty_filter_is_an_error(self, scim: Scim) -> None:
        assert search(scim, filter=" ").error == (400, "invalidFilter")

    def test_attributes_are_those_of_each_type(self, scim: Scim, directory: dict[str, str]) -> None:
        resources = search(scim, attributes=["userName", "displayName"]).json["Resources"]

        assert resources[0].keys() == {"schemas", "id", "userName", "displayName"}
        assert resources[2].keys() == {"schemas", "id", "displayName"}

    @pytest.mark.parametrize("count", [1, 2, 3, 4])
    def test_pages_go_over_the_types(
        self, scim: Scim, directory: dict[str, str], count: int
    ) -> None:
        found: list[str] = []
        for start in range(1, 5, count):
            answer = search(scim, startIndex=start, count=count)
            assert answer.json["totalResults"] == 4
            assert answer.json["startIndex"] == start
            found += ids(answer)

        assert found == list(directory.values())

    def test_beyond_the_end_there_is_nothing(self, scim: Scim, directory: dict[str, str]) -> None:
        answer = search(scim, startIndex=9)

        assert ids(answer) == []
        assert answer.json["totalResults"] == 4

    @pytest.mark.parametrize("name", ["sortBy", "cursor"])
    def test_what_one_endpoint_alone_can_do_is_refused(self, scim: Scim, name: str) -> None:
        answer = search(scim, **{name: "userName"})

        assert answer.error == (400, "invalidValue")
        assert "/Users" in answer.json["detail"]


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_me_is_said_not_to_be_there(scim: Scim, method: str) -> None:
    assert scim.send(method, "/Me").status == 501


@pytest.mark.parametrize("path", ["/Users", "/Groups", "/ServiceProviderConfig", "/Schemas", "/"])
def test_head_is_get_without_the_body(scim: Scim, path: str) -> None:
    reply = scim.exchange("HEAD", path)

    assert (reply.status, reply.content) == (200, b"")
    assert reply.headers["Content-Type"] == "application/scim+json"
