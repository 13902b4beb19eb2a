"""How long names and keys may be, in characters."""

from __future__ import annotations

ACCOUNT_LENGTH = 128
ROLE_LENGTH = 128
NAME_LENGTH = 255
CLIENT_LENGTH = 255
METHOD_LENGTH = 8
# The canonical form can be longer than the name: “İ” becomes two characters, and a few other
# characters up to 18. A name is refused if its form is too long.
CANONICAL_NAME_LENGTH = 2 * NAME_LENGTH
# A URL of an identity provider, such as that of its keys.
URL_LENGTH = 1024
