"""The example project with a host that misbehaves when it is told to, over a proxy that can be cut.

DATABASE_URL         the database, or the proxy before it
CONN_MAX_AGE         seconds for which a connection is kept
CONN_HEALTH_CHECKS   1 to look at a kept connection before it is used
LOCK_SECONDS         how long a transaction waits for a lock; without it, as long as by default
"""

import os
from typing import Any

from example_project.settings import *  # noqa: F403 -- settings on top of others
from example_project.settings import DATABASES, INSTALLED_APPS, flag

INSTALLED_APPS = [*INSTALLED_APPS, "resilience"]
TILED_SCIM_HOST_ADAPTER = "resilience.host.MisbehavingAdapter"

# A database that does not answer must not hold a server process for ever.
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
