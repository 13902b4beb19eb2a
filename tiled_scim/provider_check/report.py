"""Render results as text. Callers mask the token with `Client.mask` before printing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from tiled_scim.provider_check.client import MASK, Attempt, Client, Exchange, Json
from tiled_scim.provider_check.providers import ENTRA, Provider
from tiled_scim.provider_check.run import Run
from tiled_scim.provider_check.session import Result, Step

_HEADING = "  #  result           ms  step"
_INDENT = " " * 26
_LONGEST_ANSWER = 4000  # characters
_LONGEST_PAGE = 400  # characters of an HTML page


def heading(client: Client) -> str:
    """Return the heading of the table of steps."""
    return f"Sending {client.provider.name}'s requests to {client.base_url}\n{_HEADING}"


def pending(number: int, step: Step) -> str:
    """Return the line of a step that is running. Its row is written over it later."""
    return _line(number, "...", "", step)


def row(number: int, result: Result) -> str:
    """Return the row of a step, with its findings and notes below it."""
    milliseconds = str(round(result.seconds * 1000)) if result.attempts else ""
    remarks = (*result.findings, *(f"Note: {note}" for note in result.notes))
    line = _line(number, result.outcome.value, milliseconds, result.step)
    return "\n".join((line, *(_INDENT + remark for remark in remarks)))


def request_line(attempt: Attempt) -> str:
    """Return the line of a request."""
    status = attempt.status or "no response"
    return f"{_INDENT}{attempt.method} {attempt.path}  {status}  {attempt.milliseconds} ms"


def result(run: Run, *, is_quiet: bool, has_steps: bool) -> str:
    """Return the result of a run.

    Args:
        is_quiet: Whether to report problems only.
        has_steps: Whether to start with the rows of all steps.
    """
    paragraphs = [] if is_quiet or not has_steps else [_steps(run)]
    paragraphs += [_failure(run.provider, result) for result in run.failures]
    if run.problems:
        paragraphs.append(_problems(run))
    if not is_quiet:
        paragraphs.append("\n".join((*_left_behind(run), *_load(run), _time(run))))
    return "".join(f"\n{paragraph}\n" for paragraph in paragraphs)


def totals(run: Run) -> str:
    """Return the number of steps for each outcome, as text."""
    return ", ".join(f"{count} {outcome}" for outcome, count in run.totals.items() if count)


def printable(text: str) -> str:
    """Replace control characters, so that a response cannot control the terminal."""
    return "".join(mark if mark.isprintable() or mark == "\n" else "?" for mark in text)


def _line(number: int, outcome: str, milliseconds: str, step: Step) -> str:
    return f"{number:>3}  {outcome:<11}  {milliseconds:>6}  {step.title}"


def _steps(run: Run) -> str:
    rows = [row(number, result) for number, result in enumerate(run.results, start=1)]
    return "\n".join((heading(run.session.client), *rows))


def _failure(provider: Provider, result: Result) -> str:
    """Describe a failure: the findings, the diagnosis and the requests that show it."""
    lines = [
        f"{result.outcome.value}: {result.step.title}",
        *(f"  {finding}" for finding in result.findings),
    ]
    if result.diagnosis:
        lines.append(f"  In {provider.name}: {result.diagnosis.explanation}")
        lines.append(f"  What to do: {result.diagnosis.advice}")
    for exchange in _relevant(result.exchanges):
        lines += ["", *_request(exchange), *_answer(exchange)]
    return "\n".join(lines)


def _problems(run: Run) -> str:
    names = run.session.names
    advice = (
        f"Deactivate {names.user} and delete the group {names.group} manually, or run the check "
        "again: it cleans up first."
    )
    problems = (f"  {problem}" for problem in run.problems)
    return "\n".join(("FAILED: Cleaning up", *problems, f"  What to do: {advice}"))


def _left_behind(run: Run) -> Iterator[str]:
    if run.session.is_stopped:
        yield "The remaining steps were skipped: they would fail in the same way."
    if not run.has_connected:
        yield "Nothing was changed on the server."
    elif not run.problems:
        yield from _left_of_users(run)
        yield from _left_of_group(run)


def _left_of_users(run: Run) -> Iterator[str]:
    if run.session.user_id:
        yield f"Left on the server: the test user {run.session.names.user}, deactivated."
    elif run.provider is ENTRA:
        yield "The test users were deleted. A server may keep them, deactivated."


def _left_of_group(run: Run) -> Iterator[str]:
    if run.remarks:
        yield from run.remarks
    elif "Groups" not in run.session.missing_features:
        yield (
            "A server that keeps what a deleted group gave access to also keeps "
            f"{run.session.names.group}, empty."
        )


def _load(run: Run) -> Iterator[str]:
    if load := run.session.load:
        yield f"Sent {load}"


def _time(run: Run) -> str:
    count = len(run.attempts)
    took = f"Sent {count} request{'' if count == 1 else 's'} in {run.seconds:.1f} seconds."
    if run.slowest is None:
        return took
    slowest = f"{run.slowest.method} {run.slowest.path}"
    return f"{took} The slowest took {run.slowest.milliseconds} ms: {slowest}"


def _relevant(exchanges: Sequence[Exchange]) -> Sequence[Exchange]:
    """Return the last write and the requests after it, or only the last request."""
    writes = [index for index, exchange in enumerate(exchanges) if exchange.method != "GET"]
    return exchanges[writes[-1] :] if writes else exchanges[-1:]


def _request(exchange: Exchange) -> Iterator[str]:
    yield f"  > {exchange.method} {exchange.url}"
    yield f"  > Authorization: {MASK}"
    if exchange.body is not None:
        yield from _indented(_pretty(_without_password(exchange.body)), "  > ")


def _answer(exchange: Exchange) -> Iterator[str]:
    yield f"  < {exchange.status} {exchange.headers.get('Content-Type', 'without a content type')}"
    text = exchange.text if exchange.json is None else _pretty(exchange.json)
    shown = text[: _LONGEST_PAGE if exchange.is_html else _LONGEST_ANSWER]
    yield from _indented(shown, "  < ")
    if len(text) > len(shown):
        yield f"  < (and {len(text) - len(shown)} more characters)"


def _without_password(body: Json) -> Json:
    return body | {"password": MASK} if "password" in body else body


def _pretty(content: object) -> str:
    return json.dumps(content, indent=2)


def _indented(text: str, mark: str) -> Iterator[str]:
    return (mark + line for line in text.splitlines())
