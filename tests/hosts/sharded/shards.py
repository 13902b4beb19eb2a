"""Choose a customer's database by the host name of the request."""

import os
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest, HttpResponse

Handler = Callable[[HttpRequest], HttpResponse]

SHARDS = {"acme.example.com": "default", "globex.example.com": "east"}
# For commands, which run on one database at a time: SHARD=east python manage.py scim_prune
SHARD = os.environ.get("SHARD", "default")
current_shard: ContextVar[str] = ContextVar("current_shard", default=SHARD)


def shard_by_host_name(get_response: Handler) -> Handler:
    """Use the database of the host name's customer until the response is ready."""

    def middleware(request: HttpRequest) -> HttpResponse:
        reset = current_shard.set(SHARDS[request.get_host()])
        try:
            return get_response(request)
        finally:
            current_shard.reset(reset)

    return middleware


class ShardRouter:
    """Read from and write to the current database."""

    def db_for_read(self, model: object, **hints: Any) -> str:
        return current_shard.get()

    def db_for_write(self, model: object, **hints: Any) -> str:
        return current_shard.get()
