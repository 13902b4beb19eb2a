"""The host's own words in templates: `{% host_words as words %}`, then `{{ words.library }}`."""

from __future__ import annotations

from django import template

from tiled_scim.words import words

register = template.Library()


@register.simple_tag
def host_words() -> dict[str, str]:
    """Return the words by placeholder."""
    return words()
