"""Results as text for people. Secrets are masked by whoever prints it: `OktaClient.mask`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from .client import MASK, Exchange, Json
from .conversation import Outcome, Result

_LONGEST_ANSWER = 4000  # characters


def table(results: Sequence[Result]) -> str:
    """One line a step, and what was found below those that did not pass."""
    lines = []
    for number, result in enumerate(results, start=1):
        lines.append(f"{number:>4}  {result.outcome.value:<9}{result.step.title}")
        lines += [f"{'':15}{finding}" for finding in result.findings]
    return "\n".join(lines)


def totals(results: Sequence[Result], planned: int) -> str:
    """How many of the planned steps went how."""
    outcomes = [result.outcome for result in results]
    counts = {outcome.value.lower(): outcomes.count(outcome) for outcome in Outcome}
    counts["not tried"] = planned - len(results)
    return ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)


def failure(result: Result) -> str:
    """What was wrong, what it means in Okta, and the requests that show it."""
    lines = [
        f"{result.outcome.value}: {result.step.title}",
        *(f"  {finding}" for finding in result.findings),
        f"  In Okta: {result.step.consequence}",
    ]
    for exchange in _telling(result.exchanges):
        lines += ["", *_request(exchange), *_answer(exchange)]
    return "\n".join(lines)


def printable(text: str) -> str:
    """The text without control characters: what a server answers must not steer a terminal."""
    return "".join(mark if mark.isprintable() or mark == "\n" else "?" for mark in text)


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
    shown = text[:_LONGEST_ANSWER]
    yield from _indented(shown, "  < ")
    if len(text) > len(shown):
        yield f"  < (and {len(text) - len(shown)} characters more)"


def _without_password(body: Json) -> Json:
    return body | {"password": MASK} if "password" in body else body


def _pretty(content: object) -> str:
    return json.dumps(content, indent=2)


def _indented(text: str, mark: str) -> Iterator[str]:
    return (mark + line for line in text.splitlines())
