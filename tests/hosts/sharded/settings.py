"""Settings of the simple project with customers on two databases."""

from tests.hosts.databases import database
from tests.hosts.sharded.shards import SHARDS
from tests.simple_project.settings import *  # noqa: F403 (these settings extend all of those)
from tests.simple_project.settings import DATABASES, MIDDLEWARE

SECRET_KEY = "good enough for tests"
ALLOWED_HOSTS = [*SHARDS]
DATABASES |= {"default": database("sharded"), "east": database("sharded_east")}
DATABASE_ROUTERS = ["tests.hosts.sharded.shards.ShardRouter"]
MIDDLEWARE = ["tests.hosts.sharded.shards.shard_by_host_name", *MIDDLEWARE]
