"""The example project; each request says which process has it, so that this one can be killed."""

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

# As WSGI names the header.
ANNOUNCED = f"HTTP_{ANNOUNCED_HEADER.upper().replace('-', '_')}"

django = get_wsgi_application()
# Here once, and not in each process that takes the place of a killed one.
import_module(settings.ROOT_URLCONF)


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    if environ.get(ANNOUNCED):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(str(os.getpid()).encode(), os.environ[ANNOUNCEMENTS])
    return django(environ, start_response)
