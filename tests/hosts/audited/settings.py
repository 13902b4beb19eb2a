"""Settings of the simple project with a second database for events."""

from tests.hosts.audited.routers import AUDIT
from tests.hosts.databases import database
from tests.simple_project.settings import *  # noqa: F403 (these settings extend all of those)
from tests.simple_project.settings import DATABASES

DATABASES |= {"default": database("audited"), AUDIT: database("audited_events")}
DATABASE_ROUTERS = ["tests.hosts.audited.routers.AuditRouter"]
