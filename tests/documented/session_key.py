"""The host of docs/host-adapter.md whose sessions end without a change of the password."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth import get_user, get_user_model
from django.http import HttpRequest
from django.test import Client

from tests.tokens import new_token
from tiled_scim.models import UserLink

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SCIM = "application/scim+json"
FORM = {"username": "ann@example.com", "password": "correct horse battery staple"}


def user_of(browser: Client) -> Any:
    """Return the user that Django finds for the session of a browser."""
    request = HttpRequest()
    request.session = browser.session
    return get_user(request)


@pytest.mark.django_db
def test_who_comes_back_has_the_old_password_and_no_old_session() -> None:
    ann = get_user_model().objects.create_user(**FORM)
    _, token = new_token()
    okta = Client(headers={"Authorization": f"Bearer {token}"})
    body = json.dumps({"userName": ann.username})
    assert okta.generic("POST", "/scim/v2/Users", body, SCIM).status_code == 201
    ann.refresh_from_db()
    ann.set_password(FORM["password"])
    ann.save()
    browser = Client()
    assert browser.login(**FORM)
    assert user_of(browser) == ann

    path = f"/scim/v2/Users/{UserLink.objects.get().pk}"
    for active in (False, True):
        operation = {"op": "replace", "value": {"active": active}}
        body = json.dumps({"schemas": [PATCH], "Operations": [operation]})
        assert okta.generic("PATCH", path, body, SCIM).status_code == 200

    assert user_of(browser).is_anonymous
    assert Client().login(**FORM)
