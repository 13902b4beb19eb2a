"""The example project; each request says which process has it, so that this one can be killed."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.core.wsgi import get_wsgi_application

from .server import ANNOUNCED_HEADER, ANNOUNCEMENTS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# As WSGI names the header.
ANNOUNCED = f"HTTP_{ANNOUNCED_HEADER.upper().replace('-', '_')}"

django = get_wsgi_application()


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    if environ.get(ANNOUNCED):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(str(os.getpid()).encode(), os.environ[ANNOUNCEMENTS])
    return django(environ, start_response)
