"""Microsoft's Postman collections: they find nothing but what was chosen.

They are in Microsoft's reference repository, github.com/AzureAD/SCIMReferenceCode, and newman runs
them. Both have to be there already: newman in the PATH (npm install --global newman), and the
repository in the folder that POSTMAN_COLLECTIONS names.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx2
import pytest
from django.contrib.auth.models import User as HostUser

from tests.wire.client import user
from tests.wire.state import ADMINISTRATOR

PROTOCOL = Path(__file__).resolve().parent.parent.parent / "docs" / "protocol.md"
FOLDER = os.environ.get("POSTMAN_COLLECTIONS", "")
NEWMAN = shutil.which("newman")

# The failed assertions: name of the request, and how its server answers.
CHOSEN = {
    # No endpoint of RFC 7644 section 4, which has /ServiceProviderConfig.
    ("Get ServiceProviderConfig", 404): 2,
    # It looks for the `displayName` that it sent with a member. RFC 7643 section 4.2 has `display`.
    ("Get group by id", 200): 1,
    # RFC 7644 section 3.5.2 lets a server answer 200 with the resource.
    ("Patch user omalley new username", 200): 1,
    ("patch user omalley active with boolean", 200): 1,
    # RFC 7644 section 3.4.2.2 has values in the notation of JSON, where texts have quotes.
    ("filter eq and (val or val)", 400): 1,
    ("filter starts with", 400): 1,
    ("filter greater than", 400): 1,
    # The member is the text “string id 1”, which is no id.
    ("Group patch add member", 400): 1,
    ("Group patch add member2", 400): 1,
}


class Answer(NamedTuple):
    """How one request of a collection went."""

    name: str
    status: int
    failed: list[str]


def run(collection: Path, folder: Path, **variables: str) -> list[Answer]:
    """Run a collection with newman."""
    report = folder / "report.json"
    options = ["--reporters=json", f"--reporter-json-export={report}"]
    options += [f"--env-var={name}={value}" for name, value in variables.items()]
    newman = subprocess.run(
        [str(NEWMAN), "run", str(collection), *options],
        env={**os.environ, "NO_PROXY": "*"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.exists(), newman.stdout + newman.stderr
    return [
        Answer(
            done["item"]["name"],
            done["response"]["code"],
            [each["assertion"] for each in done.get("assertions", ()) if "error" in each],
        )
        for done in json.loads(report.read_text())["run"]["executions"]
    ]


def requests(items: list[Any]) -> Iterator[Any]:
    """Return the requests in the folders of a collection."""
    for item in items:
        yield from requests(item["item"]) if "item" in item else [item]


def without_sign_in(collection: Any) -> Any:
    """Remove the requests for a token, which the server's administrators create."""
    collection["item"] = [item for item in collection["item"] if item["name"] != "Get Token"]
    for item in collection["item"]:
        if "item" in item:
            without_sign_in(item)
    return collection


@pytest.mark.skipif(not (FOLDER and NEWMAN), reason="needs newman and POSTMAN_COLLECTIONS")
class TestCollections:
    def test_only_what_was_chosen_fails(self, scim_url: str, token: str, tmp_path: Path) -> None:
        collection = tmp_path / "collection.json"
        source = json.loads((Path(FOLDER) / "PostmanCollection.json").read_text())
        collection.write_text(json.dumps(without_sign_in(source)))
        address = urlsplit(scim_url)

        answers = run(
            collection,
            tmp_path,
            Protocol=address.scheme,
            Server=str(address.hostname),
            Port=f":{address.port}",
            Api=address.path.strip("/"),
            token=token,
        )

        failed = {(each.name, each.status): len(each.failed) for each in answers if each.failed}
        assert failed == CHOSEN
        assert len(answers) == len([*requests(source["item"])])
        # What it adds, it deletes.
        assert not HostUser.objects.filter(is_active=True).exclude(username=ADMINISTRATOR).exists()

    def test_inbound_provisioning_succeeds(self, scim_url: str, token: str, tmp_path: Path) -> None:
        collection = tmp_path / "inbound.json"
        source = Path(FOLDER) / "SCIM Inbound.postman_collection.json"
        inbound = without_sign_in(json.loads(source.read_text()))
        inbound["auth"]["bearer"][0]["value"] = token
        for item in requests(inbound["item"]):
            # The addresses differ only in the variables of which the server's address is made.
            resource = item["request"]["url"]["raw"].partition("/Users")[2]
            item["request"]["url"] = f"{scim_url}/Users{resource}"
            item["request"].pop("auth", None)
        collection.write_text(json.dumps(inbound))

        # Two requests are about a person of the other collection.
        answers = run(collection, tmp_path, id1=created_person(scim_url, token))

        assert [each for each in answers if each.failed or each.status >= 400] == []
        # Two of the four that it adds are inactive, and one of them is made active later.
        active = HostUser.objects.filter(is_active=True).exclude(username=ADMINISTRATOR)
        assert active.count() == 3


def created_person(scim_url: str, token: str) -> str:
    """Return the id of a new user."""
    created = httpx2.post(
        f"{scim_url}/Users",
        json=user("other.collection@example.com"),
        headers={"Authorization": f"Bearer {token}"},
    )
    return str(created.json()["id"])


def test_the_documentation_names_what_was_chosen() -> None:
    section = PROTOCOL.read_text().split("## Independent tools")[1]

    assert [name for name, _ in CHOSEN if f"`{name}`" not in section] == []
