"""The steps of each provider, and how its run is cleaned up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tiled_scim.provider_check import pace
from tiled_scim.provider_check.cleaning import Action
from tiled_scim.provider_check.entra import sequence as entra
from tiled_scim.provider_check.okta import sequence as okta
from tiled_scim.provider_check.providers import ProviderKey
from tiled_scim.provider_check.session import Step


@dataclass(frozen=True)
class Sequence:
    """What a run does.

    Args:
        steps: All steps in order.
        clean_up: What cleans up afterwards, in order.
    """

    steps: tuple[Step, ...]
    clean_up: tuple[Action, ...]

    def holding(self, rate: pace.Pace) -> Sequence:
        """Return the sequence with a step that holds a rate while there is a test user."""
        return Sequence(tuple(_with_rate(self.steps, pace.step(rate))), self.clean_up)


def _with_rate(steps: tuple[Step, ...], added: Step) -> Iterator[Step]:
    last = next(index for index, step in enumerate(steps) if step.ends_use)
    yield from (*steps[:last], added, *steps[last:])


SEQUENCES: dict[ProviderKey, Sequence] = {
    "okta": Sequence(okta.SEQUENCE, okta.CLEAN_UP),
    "entra": Sequence(entra.SEQUENCE, entra.CLEAN_UP),
}
