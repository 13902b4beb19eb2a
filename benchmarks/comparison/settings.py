"""The settings of the simple project, as all servers of the comparison use them.

COUNT_STATEMENTS   1 to return the number of SQL statements in a header
"""

from tests.simple_project.settings import *  # noqa: F403 (these settings extend all of those)
from tests.simple_project.settings import DATABASES, MIDDLEWARE, flag

# A new connection would be a new PostgreSQL process, whose processor time would be missed.
DATABASES["default"]["CONN_MAX_AGE"] = None

if flag("COUNT_STATEMENTS"):
    MIDDLEWARE = ["benchmarks.comparison.statements.CountStatements", *MIDDLEWARE]
