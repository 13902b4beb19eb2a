"""The settings of the simple project, with `tiled_scim` and the floor."""

from benchmarks.comparison.settings import *  # noqa: F403 -- settings on top of others

ROOT_URLCONF = "benchmarks.floor.urls"
