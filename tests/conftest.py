"""What every test shares. The database is that of the settings: DATABASE_URL chooses it."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# The tests say nothing about time: a slow machine breaks no rule.
settings.register_profile("thorough", settings.default, deadline=None)
# `make test` tries fewer random examples each time than everything else does.
settings.register_profile("quick", settings.get_profile("thorough"), max_examples=25)
settings.load_profile("thorough")

# A script that starts the tests in the background makes them ignore Ctrl-C, which some tests play.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

TESTS = Path(__file__).parent
# Tests that start other processes, that need more than Python, or that take minutes.
APART = {TESTS / name for name in ("end_to_end", "external", "browser", "hostile")}
# Tests that touch no database, or one of their own: on SQLite they have said it all.
WITHOUT_DATABASE = {
    TESTS / "scim",
    TESTS / "end_to_end" / "provider_check",
    *(TESTS / f"test_{name}.py" for name in ("checks", "conf", "readme", "translations")),
}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what stands apart, or says nothing new, unless its path is asked for."""
    left_out = APART | (WITHOUT_DATABASE if "DATABASE_URL" in os.environ else set())
    if collection_path not in left_out:
        return None
    asked_for = (Path(argument.partition("::")[0]).resolve() for argument in config.args)
    return None if any(path.is_relative_to(collection_path) for path in asked_for) else True


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the projects of other hosts, so that no process is left with one at the end."""
    items.sort(key=lambda item: item.path.name != "test_hosts.py")
