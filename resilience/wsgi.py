"""The simple project. A request can name the place at which its process reports itself."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from .server import PLACE_HEADER

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# The WSGI name of the header.
PLACE = f"HTTP_{PLACE_HEADER.upper().replace('-', '_')}"

django = get_wsgi_application()
# Imported once, before the server forks its workers.
import_module(settings.ROOT_URLCONF)
# It needs the models.
places = import_module("resilience.places")


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    place = environ.get(PLACE)
    if place is None:
        return django(environ, start_response)
    with places.reporting(places.Place.parse(place)):
        return django(environ, start_response)
