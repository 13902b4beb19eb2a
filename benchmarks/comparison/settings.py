"""The example project as every server has it: with connections that stay, and one switch more.

COUNT_STATEMENTS   1 to tell in a header of each answer how many statements it took
"""

from example_project.settings import *  # noqa: F403 -- settings on top of others
from example_project.settings import DATABASES, MIDDLEWARE, flag

# A connection that is given up and opened again would be a process of PostgreSQL's that nobody
# counts.
DATABASES["default"]["CONN_MAX_AGE"] = None

if flag("COUNT_STATEMENTS"):
    MIDDLEWARE = ["benchmarks.comparison.statements.CountStatements", *MIDDLEWARE]
