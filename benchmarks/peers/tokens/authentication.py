"""Authentication for the peers, with one query per request."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from .models import Token, digest


def token_of(request: HttpRequest) -> Token | None:
    """Return the token of a request, with its user."""
    plaintext = request.headers.get("Authorization", "").removeprefix("Bearer ")
    tokens = Token.objects.select_related("user")
    return tokens.filter(digest=digest(plaintext)).first()


def has_token(request: HttpRequest) -> bool:
    return token_of(request) is not None


class TokenUser:
    """Middleware that sets `request.user` to the user of the token."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = token_of(request)
        if token is not None:
            request.user = token.user
        return self.get_response(request)
