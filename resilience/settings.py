"""Settings of the simple project with a host that can fail, and a proxy for its database.

DATABASE_URL         the database, or the proxy in front of it
CONN_MAX_AGE         the number of seconds to keep a connection
CONN_HEALTH_CHECKS   1 to check a kept connection before it is used
LOCK_SECONDS         the number of seconds to wait for a lock; the default is the database's
"""

import os
from typing import Any

from tests.simple_project.settings import *  # noqa: F403 (these settings extend all of those)
from tests.simple_project.settings import DATABASES, INSTALLED_APPS, flag

INSTALLED_APPS = [*INSTALLED_APPS, "resilience"]
TILED_SCIM_HOST_ADAPTER = "resilience.host.MisbehavingAdapter"

# An unresponsive database must not block a server process forever.
CONNECT_SECONDS = 2
ANSWER_SECONDS = 4
TIMEOUTS: dict[str, dict[str, Any]] = {
    "django.db.backends.postgresql": {"connect_timeout": CONNECT_SECONDS},
    "django.db.backends.mysql": {
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": ANSWER_SECONDS,
        "write_timeout": ANSWER_SECONDS,
    },
}

LOCK_SECONDS = int(os.environ.get("LOCK_SECONDS", "0"))
LOCK_TIMEOUTS = {
    "django.db.backends.postgresql": {"options": f"-c lock_timeout={LOCK_SECONDS}s"},
    "django.db.backends.mysql": {
        "init_command": f"SET SESSION innodb_lock_wait_timeout = {LOCK_SECONDS}"
    },
}
if LOCK_SECONDS:
    for engine, options in LOCK_TIMEOUTS.items():
        TIMEOUTS[engine].update(options)

DATABASES["default"]["CONN_MAX_AGE"] = int(os.environ.get("CONN_MAX_AGE", "60"))
DATABASES["default"]["CONN_HEALTH_CHECKS"] = flag("CONN_HEALTH_CHECKS")
DATABASES["default"].setdefault("OPTIONS", {}).update(
    TIMEOUTS.get(DATABASES["default"]["ENGINE"], {})
)
