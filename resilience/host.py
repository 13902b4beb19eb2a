"""A host whose adapter and signal receivers fail or are slow for certain names."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.dispatch import Signal

from tiled_scim import signals
from tiled_scim.host import HostAdapter

SLOW_SECONDS = 0.2
# Prefixes of userName or displayName that make the host fail or wait after its work.
ADAPTER_FAILS = "adapter-fails-"
ADAPTER_IS_SLOW = "adapter-is-slow-"
RECEIVER_FAILS = "receiver-fails-"
RECEIVER_IS_SLOW = "receiver-is-slow-"


class MisbehaviourError(Exception):
    """Raised by the host's own code."""


class MisbehavingAdapter(HostAdapter):
    def create_user(self, values: Mapping[str, Any]) -> AbstractBaseUser:
        user = super().create_user(values)
        _in_adapter(user.get_username())
        return user

    def update_user(self, user: AbstractBaseUser, values: Mapping[str, Any]) -> None:
        super().update_user(user, values)
        _in_adapter(user.get_username())

    def rename_library(self, library: models.Model, name: str) -> None:
        super().rename_library(library, name)
        _in_adapter(name)

    def grant(self, library: models.Model, users: Collection[Any]) -> None:
        super().grant(library, users)
        _in_adapter(self.library_name(library))

    def revoke(self, library: models.Model, users: Collection[Any]) -> None:
        super().revoke(library, users)
        _in_adapter(self.library_name(library))


def listen() -> None:
    """Connect a receiver to all signals."""
    for signal in vars(signals).values():
        if isinstance(signal, Signal):
            signal.connect(_receive)


def _in_adapter(name: str) -> None:
    _misbehave(name, ADAPTER_FAILS, ADAPTER_IS_SLOW)


def _receive(sender: type, link: Any, **arguments: Any) -> None:
    _misbehave(link.name, RECEIVER_FAILS, RECEIVER_IS_SLOW)


def _misbehave(name: str, failing: str, slow: str) -> None:
    if name.startswith(failing):
        raise MisbehaviourError(name)
    if name.startswith(slow):
        time.sleep(SLOW_SECONDS)
