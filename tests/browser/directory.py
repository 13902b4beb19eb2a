"""The people and groups of the Okta in the browser tests."""

from example_project.customers.management.directory import Directory, Person

DOMAIN = "example.com"
ADA = Person("Ada", "Lovelace", DOMAIN, "Head of Research", is_tiled_admin=True)
EMMY = Person("Emmy", "Noether", DOMAIN, "Researcher")
GRACE = Person("Grace", "Hopper", DOMAIN, "Head of Engineering")
KATHERINE = Person("Katherine", "Johnson", DOMAIN, "Engineer")
ALAN = Person("Alan", "Turing", DOMAIN, "Researcher", has_left=True)

PEOPLE = (ADA, EMMY, GRACE, KATHERINE, ALAN)
DIRECTORY = Directory(
    PEOPLE,
    {
        "Research": (ADA, EMMY, ALAN),
        "Engineering": (GRACE, KATHERINE, ADA),
        "Sales & Operations": (KATHERINE,),
    },
)
