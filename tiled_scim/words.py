"""The host's own words for its Library, the admin flag and itself, for texts that people read.

Texts contain them as placeholders: `%(library)s`, `%(Library)s` at the beginning of a sentence,
`%(libraries)s`, `%(Libraries)s`, `%(admin)s` and `%(product)s`. The words have any gender and
number, so translations use them without an article.
"""

from __future__ import annotations

from django.apps import apps
from django.utils.functional import Promise, lazy
from django.utils.text import capfirst
from django.utils.translation import gettext, override

from tiled_scim.conf import settings

# “Group” would be the name of two things: the group that was pushed, and Django's.
DJANGO_GROUP = "auth.group"


def words() -> dict[str, str]:
    """Return the words by placeholder, in the current language."""
    library, libraries = _library_names()
    return {
        "library": library,
        "Library": capfirst(library),
        "libraries": libraries,
        "Libraries": capfirst(libraries),
        "admin": str(settings.ADMIN_NAME),
        "product": str(settings.PRODUCT_NAME),
    }


def english_words() -> dict[str, str]:
    """Return the words as the host's source has them, for the errors of SCIM.

    Those are in English, because the language of the person who reads them in Okta is unknown.
    """
    with override(None):
        return words()


def _with_words(text: str | Promise) -> str:
    return str(text) % words()


# Inserts the words into a translated text when it is shown. It must have no other placeholders.
with_words = lazy(_with_words, str)


def _library_names() -> tuple[str, str]:
    """Return what the host calls one Library, and several."""
    try:
        options = apps.get_model(settings.LIBRARY_MODEL)._meta
    except (LookupError, ValueError):  # a wrong setting, which the system check explains
        return "Library", "Libraries"
    if options.label_lower == DJANGO_GROUP:
        return gettext("user group"), gettext("user groups")
    return str(options.verbose_name), str(options.verbose_name_plural)
