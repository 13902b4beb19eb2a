"""The example project, which announces the process of a request, so that it can be killed."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from .server import ANNOUNCED_HEADER, ANNOUNCEMENTS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# The WSGI name of the header.
ANNOUNCED = f"HTTP_{ANNOUNCED_HEADER.upper().replace('-', '_')}"

django = get_wsgi_application()
# Imported once, before the server forks its workers.
import_module(settings.ROOT_URLCONF)


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    if environ.get(ANNOUNCED):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(str(os.getpid()).encode(), os.environ[ANNOUNCEMENTS])
    return django(environ, start_response)
