"""What goes wrong in a browser without anybody looking."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response, WebError

# What Chromium complains of, too, where nothing is wrong. The first: each answer of 400 and more,
# of those that the tests want as well; Watch.response tells them apart. The second: Django sends
# this header with http as with https.
NO_PROBLEM = (
    "Failed to load resource:",
    "The Cross-Origin-Opener-Policy header has been ignored, because the URL's origin was untrust",
)

# What Chromium does not wait for any more, as the page that wanted it is left.
LEFT = "net::ERR_ABORTED"


class Watch:
    """Keeps what scripts and requests do wrong in a browser context, as `problems`.

    Args:
        host: the only one, with its port, that may be asked for anything.
    """

    def __init__(self, context: BrowserContext, host: str) -> None:
        self.problems: list[str] = []
        self._host = host
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._request)
        context.on("requestfailed", self._failed)
        context.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.text.startswith(NO_PROBLEM):
            return
        if message.type in {"assert", "error", "warning"}:
            self.problems.append(f"console: {message.type}: {message.text}")

    def _error(self, error: WebError) -> None:
        self.problems.append(f"uncaught: {error.error}")

    def _request(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme in {"http", "https"} and url.netloc != self._host:
            self.problems.append(f"another host is asked: {request.method} {request.url}")

    def _failed(self, request: Request) -> None:
        if not request.is_navigation_request() and request.failure != LEFT:
            self.problems.append(f"no answer: {request.url}: {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and not response.request.is_navigation_request():
            self.problems.append(f"status {response.status}: {response.url}")
