"""The host's ASGI server, and the proxy before it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import uvicorn
from django.core.asgi import get_asgi_application

from tests.servers import Call, Forward, Reply, faulty

# Where the world sees the host, of which the server knows what the proxy says.
OUTSIDE = "https://atlas.example.com/maps"
ADDED = {"x-forwarded-proto": "https", "x-forwarded-host": "atlas.example.com"}


@pytest.fixture(scope="session")
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture(scope="session")
def running(django_db_setup: None, listener: socket.socket) -> Iterator[uvicorn.Server]:
    """The server itself, which runs in a thread."""
    config = uvicorn.Config(
        get_asgi_application(), root_path="/maps", lifespan="off", log_config=None
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    while not running.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield running
    running.should_exit = True
    thread.join()


@pytest.fixture(scope="session")
def server(running: uvicorn.Server, listener: socket.socket) -> str:
    """The URL of the server."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture(autouse=True)
def idle(transactional_db: None, running: uvicorn.Server) -> Iterator[None]:
    """Wait for requests whose clients do not, before the database is emptied."""
    yield
    while running.server_state.tasks:
        time.sleep(0.01)


@pytest.fixture(scope="session")
def proxy(server: str) -> Iterator[str]:
    """The URL of the proxy: it has the path of OUTSIDE, and takes it off."""

    def forward(call: Call, send: Forward) -> Reply:
        path, headers = call.path.removeprefix("/maps"), call.headers | ADDED
        return send(replace(call, path=path, headers=headers))

    with faulty(server, forward) as url:
        yield f"{url}/maps"


@pytest.fixture
def scim_url(transactional_db: None, proxy: str) -> str:
    return f"{proxy}/api/scim/v2"
