"""What every test shares. The database is that of the settings: DATABASE_URL chooses it."""

from pathlib import Path

import pytest
from hypothesis import settings

# The tests say nothing about time: a slow machine breaks no rule.
settings.register_profile("tiled_scim", settings.default, deadline=None)
settings.load_profile("tiled_scim")

EXTERNAL = Path(__file__).parent / "external"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the tests that need other people's tools, unless their path is asked for."""
    if collection_path != EXTERNAL:
        return None
    asked_for = (Path(argument.partition("::")[0]).resolve() for argument in config.args)
    return None if any(path.is_relative_to(EXTERNAL) for path in asked_for) else True
