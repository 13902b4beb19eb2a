"""Tests that the check reads the roles of a server that offers some, and only of such a server."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from django.conf import LazySettings

from tests.servers import HTML, Call, Fault, Forward, Reply, faulty
from tests.tokens import new_token
from tiled_scim.host import HostAdapter
from tiled_scim.provider_check.client import OktaClient
from tiled_scim.provider_check.run import Run
from tiled_scim.provider_check.session import Outcome, Result

from .faults import in_bodies, on

pytestmark = pytest.mark.django_db(transaction=True)


class WithRoles(HostAdapter):
    def roles(self) -> Mapping[str, str]:
        return {"editor": "Editor", "auditor": "Auditor"}


@pytest.fixture
def token(transactional_db: None) -> str:
    return new_token()[1]


@pytest.fixture
def _with_roles(settings: LazySettings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = WithRoles


def discovery(url: str, token: str) -> Result:
    """Play the steps to the one that reads what the server declares."""
    run = Run(OktaClient(url, token))
    return next(
        result for _, step in run.steps() if (result := run.play(step)).step.name == "discovery"
    )


def asked(result: Result) -> bool:
    return any(attempt.path.startswith("/Roles") for attempt in result.attempts)


@pytest.mark.usefixtures("_with_roles")
def test_they_are_read(token: str, scim_url: str) -> None:
    result = discovery(scim_url, token)

    assert result.outcome is Outcome.PASSED, result.findings
    assert asked(result)


@pytest.mark.usefixtures("_with_roles")
@pytest.mark.parametrize(
    ("fault", "finding"),
    [
        (on("GET", "/Roles", HTML), "The response is an HTML page."),
        (
            in_bodies("totalResults", lambda page: page.update(Resources=[], totalResults=0)),
            "There are no roles at /Roles",
        ),
        (
            in_bodies("Resources", lambda page: page["Resources"][0].update(displayName=None)),
            "displayName is null",
        ),
    ],
)
def test_faults(token: str, scim_url: str, fault: Fault, finding: str) -> None:
    def of_roles(call: Call, forward: Forward) -> Reply:
        return fault(call, forward) if "/Roles" in call.path else forward(call)

    with faulty(scim_url, of_roles) as url:
        result = discovery(url, token)

    assert result.outcome is Outcome.FAILED
    assert finding in " ".join(result.findings)


def test_a_server_without_roles_is_not_asked(token: str, scim_url: str) -> None:
    result = discovery(scim_url, token)

    assert result.outcome is Outcome.PASSED, result.findings
    assert not asked(result)
