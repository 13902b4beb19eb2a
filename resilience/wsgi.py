"""The example project; each request says which process has it, so that this one can be killed."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.core.wsgi import get_wsgi_application

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# Where to say so: the path of a datagram socket.
ANNOUNCEMENTS = "ANNOUNCEMENTS"
# Of the requests that are to be announced.
ANNOUNCED_HEADER = "X-Announced"

django = get_wsgi_application()


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    if environ.get("HTTP_X_ANNOUNCED"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(str(os.getpid()).encode(), os.environ[ANNOUNCEMENTS])
    return django(environ, start_response)
