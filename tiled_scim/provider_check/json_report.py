"""Render a run as a JSON document. Its keys are documented in docs/commands.md and stay stable."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tiled_scim.provider_check.client import Attempt, Json
from tiled_scim.provider_check.pace import Load
from tiled_scim.provider_check.providers import ProviderKey
from tiled_scim.provider_check.run import Run
from tiled_scim.provider_check.sequences import SEQUENCES
from tiled_scim.provider_check.session import Outcome, Result


def of_run(run: Run) -> Json:
    """Return the run without request and response bodies, and with the token masked."""
    client = run.session.client
    document = {
        "base_url": client.base_url,
        "provider": run.provider.key,
        "started": _time(run.started),
        "seconds": round(run.seconds, 3),
        "verdict": _key(run.verdict.value),
        "error": None,
        "totals": {_key(outcome): count for outcome, count in run.totals.items()},
        "slowest": _request(run.slowest) if run.slowest else None,
        "load": _load(run.session.load) if run.session.load else None,
        "not_cleaned_up": run.problems,
        "steps": [_step(number, result) for number, result in enumerate(run.results, start=1)],
    }
    return {name: _masked(value, client.mask) for name, value in document.items()}


def of_error(provider: ProviderKey, error: str) -> Json:
    """Return the document for a run that could not start.

    Args:
        provider: The provider to play.
        error: Why it could not start, as a sentence.
    """
    no_outcomes = dict.fromkeys((_key(outcome.value) for outcome in Outcome), 0)
    return {
        "base_url": None,
        "provider": provider,
        "started": _time(datetime.now(UTC)),
        "seconds": 0.0,
        "verdict": "not_run",
        "error": error,
        "totals": no_outcomes | {"not_tried": len(SEQUENCES[provider].steps)},
        "slowest": None,
        "load": None,
        "not_cleaned_up": [],
        "steps": [],
    }


def _step(number: int, result: Result) -> Json:
    diagnosis = result.diagnosis
    return {
        "number": number,
        "name": result.step.name,
        "title": result.step.title,
        "outcome": _key(result.outcome.value),
        "seconds": round(result.seconds, 3),
        "requests": [_request(attempt) for attempt in result.attempts],
        "problem": " ".join(result.findings) or None,
        "explanation": diagnosis.explanation if diagnosis else None,
        "advice": diagnosis.advice if diagnosis else None,
        "notes": list(result.notes),
    }


def _request(attempt: Attempt) -> Json:
    return {
        "method": attempt.method,
        "path": attempt.path,
        "status": attempt.status,
        "milliseconds": attempt.milliseconds,
    }


def _load(load: Load) -> Json:
    return {
        "rate": load.pace.rate,
        "seconds": load.pace.seconds,
        "sent": len(load.replies),
        "p50_milliseconds": load.milliseconds(50),
        "p95_milliseconds": load.milliseconds(95),
        "refusals": load.refusals,
        "failures": load.failures,
    }


def _key(words: str) -> str:
    return words.lower().replace(" ", "_")


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _masked(value: Any, mask: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [_masked(item, mask) for item in value]
    if isinstance(value, dict):
        return {name: _masked(item, mask) for name, item in value.items()}
    return value
