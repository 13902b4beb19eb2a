"""The settings of the simple project, without its own apps."""

from benchmarks.comparison.settings import *  # noqa: F403 (these settings extend all of those)
from benchmarks.comparison.settings import INSTALLED_APPS

INSTALLED_APPS = [
    *(app for app in INSTALLED_APPS if app.startswith("django.")),
    "benchmarks.peers.tokens",
]


class NoMigrations(dict[str, None]):
    """Creates all tables from the models, since the user model of a peer has no migrations."""

    def __contains__(self, app: object) -> bool:
        return True

    def __getitem__(self, app: str) -> None:
        return None


MIGRATION_MODULES = NoMigrations()
LOGGING = {"version": 1, "disable_existing_loggers": False}
