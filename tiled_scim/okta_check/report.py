"""Results as text for people. Secrets are masked by whoever prints it: `OktaClient.mask`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from tiled_scim.okta_check.client import MASK, Attempt, Exchange, Json
from tiled_scim.okta_check.conversation import Result, Step
from tiled_scim.okta_check.groups import GROUP_NAME
from tiled_scim.okta_check.run import Run
from tiled_scim.okta_check.users import USER_NAME

_HEADING = "  #  result           ms  step"
_INDENT = " " * 26
_LONGEST_ANSWER = 4000  # characters
_LONGEST_PAGE = 400  # of HTML, whose beginning says enough


def opening(base_url: str) -> str:
    """What the rows of the steps stand under."""
    return f"Playing Okta against {base_url}\n{_HEADING}"


def pending(number: int, step: Step) -> str:
    """The line of a step that is being played, for its row to be written over it."""
    return _line(number, "...", "", step)


def row(number: int, result: Result) -> str:
    """One line on a step, and below it what there is to say of it."""
    milliseconds = str(round(result.seconds * 1000)) if result.attempts else ""
    remarks = (*result.findings, *(f"Note: {note}" for note in result.notes))
    line = _line(number, result.outcome.value, milliseconds, result.step)
    return "\n".join((line, *(_INDENT + remark for remark in remarks)))


def request_line(attempt: Attempt) -> str:
    """One request, as it goes."""
    status = attempt.status or "no answer"
    return f"{_INDENT}{attempt.method} {attempt.path}  {status}  {attempt.milliseconds} ms"


def result(run: Run, *, is_quiet: bool, has_steps: bool) -> str:
    """What came of a run.

    Args:
        is_quiet: say nothing but what is wrong.
        has_steps: begin with the rows of all steps, which have not been shown one by one.
    """
    paragraphs = [] if is_quiet or not has_steps else [_steps(run)]
    paragraphs += [_failure(result) for result in run.failures]
    if run.problems:
        paragraphs.append(_problems(run))
    if not is_quiet:
        paragraphs.append("\n".join((*_left_behind(run), _time(run))))
    return "".join(f"\n{paragraph}\n" for paragraph in paragraphs)


def totals(run: Run) -> str:
    """How many of the planned steps went how."""
    return ", ".join(f"{count} {outcome}" for outcome, count in run.totals.items() if count)


def printable(text: str) -> str:
    """The text without control characters: what a server answers must not steer a terminal."""
    return "".join(mark if mark.isprintable() or mark == "\n" else "?" for mark in text)


def _line(number: int, outcome: str, milliseconds: str, step: Step) -> str:
    return f"{number:>3}  {outcome:<11}  {milliseconds:>6}  {step.title}"


def _steps(run: Run) -> str:
    rows = [row(number, result) for number, result in enumerate(run.results, start=1)]
    return "\n".join((opening(run.conversation.client.base_url), *rows))


def _failure(result: Result) -> str:
    """What was wrong, what it means in Okta, what to do, and the requests that show it."""
    lines = [
        f"{result.outcome.value}: {result.step.title}",
        *(f"  {finding}" for finding in result.findings),
    ]
    if result.diagnosis:
        lines.append(f"  In Okta: {result.diagnosis.explanation}")
        lines.append(f"  What to do: {result.diagnosis.advice}")
    for exchange in _telling(result.exchanges):
        lines += ["", *_request(exchange), *_answer(exchange)]
    return "\n".join(lines)


def _problems(run: Run) -> str:
    advice = (
        f"Deactivate {USER_NAME} and delete the group {GROUP_NAME} by hand, or run the check "
        "again: it takes up what is left."
    )
    problems = (f"  {problem}" for problem in run.problems)
    return "\n".join(("FAILED: Cleaning up", *problems, f"  What to do: {advice}"))


def _left_behind(run: Run) -> Iterator[str]:
    if run.conversation.has_stopped:
        yield "The rest was not tried: it would fail in the same way."
    if not run.has_connected:
        yield "Nothing was changed on the server."
    elif run.conversation.user_id and not run.problems:
        yield f"Left on the server: the test person {USER_NAME}, deactivated."
        if "Groups" not in run.conversation.lacks:
            yield f"A host that keeps the Libraries of deleted groups also has {GROUP_NAME}, empty."


def _time(run: Run) -> str:
    took = f"Requests: {len(run.attempts)}, in {run.seconds:.1f} seconds."
    if run.slowest is None:
        return took
    slowest = f"{run.slowest.method} {run.slowest.path}"
    return f"{took} The slowest took {run.slowest.milliseconds} ms: {slowest}"


def _telling(exchanges: Sequence[Exchange]) -> Sequence[Exchange]:
    """The last write and what was read after it; without one, the last request."""
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
        yield f"  < (and {len(text) - len(shown)} characters more)"


def _without_password(body: Json) -> Json:
    return body | {"password": MASK} if "password" in body else body


def _pretty(content: object) -> str:
    return json.dumps(content, indent=2)


def _indented(text: str, mark: str) -> Iterator[str]:
    return (mark + line for line in text.splitlines())
