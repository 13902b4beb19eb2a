"""The identity providers that the check can play, and what each of them says of a failure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal

ProviderKey = Literal["okta", "entra"]
Feature = Literal["PATCH", "Groups", "Tiled Admin"]


class Place(Enum):
    """A place where a provider shows a failure to its admin."""

    FORM = auto()
    USERS = auto()
    GROUPS = auto()
    IMPORT = auto()


@dataclass(frozen=True)
class Provider:
    """One identity provider.

    Args:
        key: Its name in the command and in the JSON report.
        name: Its name in sentences.
        headers: The headers of each request, without the token.
        patience: How long the provider waits for a response, as a sentence.
        places: Where it shows a failure.
        error_message: What it shows, with the parts `phrase` (the name of the status) and `reason`
            (the `detail` of the SCIM error).
        not_offered: What a missing feature of the server means, as a sentence.
    """

    key: ProviderKey
    name: str
    headers: Mapping[str, str]
    patience: str
    places: Mapping[Place, str]
    error_message: str
    not_offered: Mapping[Feature, str]


_NO_TILED_ADMIN = "The server's resource types do not list the Tiled extension."

OKTA = Provider(
    key="okta",
    name="Okta",
    headers={
        "Accept": "application/scim+json",
        "Accept-Charset": "utf-8",
        "Accept-Encoding": "gzip,deflate",
        "Content-Type": "application/scim+json; charset=utf-8",
        "User-Agent": "Okta SCIM Client 1.0.0",
    },
    patience="Okta sends up to 1,000 changes in a request and gives up after 60 seconds.",
    places={
        Place.FORM: "below the button Test API Credentials",
        Place.USERS: "under Dashboard > Tasks",
        Place.GROUPS: "on the tab Push Groups",
        Place.IMPORT: "on the tab Import",
    },
    error_message="{phrase}. Errors reported by remote server: {reason}",
    not_offered={
        "PATCH": "The server does not support PATCH. Use an app made with Okta's wizard: it sends "
        "PUT.",
        "Groups": "The server does not support groups. Do not use Push Groups in Okta.",
        "Tiled Admin": _NO_TILED_ADMIN,
    },
)

ENTRA = Provider(
    key="entra",
    name="Entra",
    headers={
        "Accept": "application/scim+json",
        "Accept-Encoding": "gzip,deflate",
        "Content-Type": "application/scim+json; charset=utf-8",
        # Microsoft does not document the User-Agent of its provisioning service.
        "User-Agent": "Microsoft-Entra-Provisioning",
    },
    patience="Slow responses make each of Entra's provisioning cycles longer.",
    places={
        Place.FORM: "below the button Test Connection",
        Place.USERS: "in the provisioning logs",
        Place.GROUPS: "in the provisioning logs",
        Place.IMPORT: "in the provisioning logs",
    },
    error_message="StatusCode: {phrase}. Web Response: {reason}",
    not_offered={
        "PATCH": "The server does not support PATCH, and Entra sends no PUT.",
        "Groups": "The server does not support groups. Do not assign groups to provision them in "
        "Entra.",
        "Tiled Admin": _NO_TILED_ADMIN,
    },
)
