"""The settings of the simple project, with `tiled_scim` and the floor."""

from benchmarks.comparison.settings import *  # noqa: F403 (these settings extend all of those)

ROOT_URLCONF = "benchmarks.floor.urls"
