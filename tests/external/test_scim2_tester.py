"""scim2-tester: all of its checks succeed, whichever schemas it goes by."""

from __future__ import annotations

import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import ScimProvider
from scim2_tester import Status, check_server, checkers

from .models import CORE, SERVER

# All that there are. One is no check, but runs those of a resource type, and one is never run.
CHECKS = {*checkers.__all__} - {"resource_type_tests", "core_schemas_validation"}


KNOWN = {
    "what the server advertises": ScimProvider(),
    "RFC 7643 and the extensions": SERVER,
    "RFC 7643 alone": CORE,
}


@pytest.mark.parametrize("known", KNOWN.values(), ids=KNOWN)
def test_all_checks_succeed(client: SyncSCIMClient, known: ScimProvider) -> None:
    client.provider = known

    results = check_server(client)

    assert [result for result in results if result.status is not Status.SUCCESS] == []
    assert {result.title for result in results} == CHECKS
