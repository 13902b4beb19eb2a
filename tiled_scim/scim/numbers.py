"""Numbers that every database stores and compares alike: those of 64 bits.

JSON has no largest number, but databases have: others would be rounded, or be an error.
"""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import cast

SMALLEST_INTEGER = -(2**63)
LARGEST_INTEGER = 2**63 - 1


def is_integer(number: int | float) -> bool:
    """Return whether a number is between the smallest and the largest integer of 64 bits."""
    return SMALLEST_INTEGER <= number <= LARGEST_INTEGER


def as_float(number: int | float) -> float | None:
    """Return a number as a floating-point number of 64 bits, or None if it is too large."""
    try:
        converted = float(number)
    except OverflowError:
        return None
    return converted if math.isfinite(converted) else None


def without_exponent(number: float) -> int | float:
    """Return a number as PostgreSQL returns it from JSON: 1e22 is an integer, and -0.0 is 0.0."""
    return cast("int | float", json.loads(f"{Decimal(repr(number)):f}")) + 0
