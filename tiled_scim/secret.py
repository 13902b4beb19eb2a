"""Text that error reports do not show, such as a token that was just created."""

from __future__ import annotations


class Secret(str):
    """A string whose `repr()` does not show it.

    Error reports of Django and Sentry show local variables by their `repr()`. What is made of a
    secret, such as a part of it or a longer text, is an ordinary string again.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "<secret>"
