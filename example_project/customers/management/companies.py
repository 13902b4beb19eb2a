"""The two customers of the demo, with the directory of each one's Okta."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .directory import Directory, Person

ADA = Person("Ada", "Lovelace", "acme.example", "Head of Research", is_tiled_admin=True)
EMMY = Person("Emmy", "Noether", "acme.example", "Researcher")
ALAN = Person("Alan", "Turing", "acme.example", "Researcher", has_left=True)
KATHERINE = Person("Katherine", "Johnson", "globex.example", "Chief Engineer", is_tiled_admin=True)
DOROTHY = Person("Dorothy", "Vaughan", "globex.example", "Engineer")
# She works for both, and has another job title in each.
GRACE = Person("Grace", "Hopper", "consulting.example", "Consultant")
GRACE_AT_GLOBEX = replace(GRACE, title="Interim Manager")


@dataclass(frozen=True)
class Company:
    """A customer.

    Args:
        name: The name of its account.
        admin: Who signed up, before there was an Okta. It assigns them, too.
        directory: The people and groups of its Okta.
    """

    name: str
    admin: Person
    directory: Directory


ACME = Company(
    "Acme Inc.",
    ADA,
    Directory(
        (ADA, EMMY, GRACE, ALAN),
        {"Research": (ADA, EMMY, ALAN), "Engineering": (ADA, GRACE)},
    ),
)
GLOBEX = Company(
    "Globex Corporation",
    KATHERINE,
    Directory(
        (KATHERINE, DOROTHY, GRACE_AT_GLOBEX),
        {
            "Engineering": (KATHERINE, DOROTHY, GRACE_AT_GLOBEX),
            "Sales & Operations": (DOROTHY,),
        },
    ),
)
COMPANIES = (ACME, GLOBEX)
# Who belongs to both, and sees the account switcher.
IN_BOTH = GRACE
