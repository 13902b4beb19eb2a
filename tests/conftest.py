"""What every test shares. The database is that of the settings: DATABASE_URL chooses it."""

import os
import signal
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

from tests.flush import empty_tables_by_delete

# The tests say nothing about time: a slow machine breaks no rule.
settings.register_profile("thorough", settings.default, deadline=None)
# `make test` tries so many cases of a test, and fewer random examples than everything else does.
CASES = 4
settings.register_profile("quick", settings.get_profile("thorough"), max_examples=15)
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


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick",
        action="store_true",
        help=f"try {CASES} cases of each test, and few random examples",
    )


def pytest_configure(config: pytest.Config) -> None:
    empty_tables_by_delete()
    if config.getoption("quick"):
        settings.load_profile("quick")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the projects of other hosts, so that no process is left with one at the end."""
    items.sort(key=lambda item: item.path.name != "test_hosts.py")
    if config.getoption("quick"):
        _keep_some_cases(config, items)


def _keep_some_cases(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the cases of a test beyond some: others each time, because the order is random."""
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    numbers = Counter[str]()
    for item in items:
        name = item.nodeid.partition("[")[0]
        numbers[name] += 1
        (kept if numbers[name] <= CASES else left_out).append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept
