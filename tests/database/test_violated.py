"""Tests of what the databases say about a violated unique constraint."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from tests.factories import make_user
from tiled_scim.database.errors import violated


class DriverError(Exception):
    def __init__(self, **diagnosis: str) -> None:
        super().__init__("a driver's words")
        self.diag = SimpleNamespace(**diagnosis)


def caused(cause: Exception) -> IntegrityError:
    error = IntegrityError("duplicate key value violates unique constraint")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "names"),
    [
        (IntegrityError("UNIQUE constraint failed: t.a"), {"t.a"}),
        (IntegrityError("UNIQUE constraint failed: t.a, t.b"), {"t.a", "t.b"}),
        (IntegrityError(1062, "Duplicate entry 'x' for key 'a'"), {"a"}),
        (IntegrityError(1062, "Duplicate entry 'it''s' for key 't.a'"), {"a", "t.a"}),
        (
            caused(
                DriverError(
                    table_name="t", constraint_name="t_a_key", message_detail="Key (a)=(x) already"
                )
            ),
            {"t_a_key", "t.a"},
        ),
        (
            caused(
                DriverError(
                    table_name="t", constraint_name="ab", message_detail="Key (a, b)=(x, y) already"
                )
            ),
            {"ab", "t.a", "t.b"},
        ),
        (
            caused(
                DriverError(
                    table_name="t", constraint_name="f", message_detail="Key (lower(a))=(x) already"
                )
            ),
            {"f"},
        ),
    ],
)
def test_the_names_in_a_message(error: IntegrityError, names: set[str]) -> None:
    assert violated(error) >= names


def test_a_message_in_another_form_has_no_names() -> None:
    assert not any(violated(IntegrityError("no idea")))


@pytest.mark.django_db(transaction=True)
def test_this_database_names_the_column() -> None:
    make_user("ann")

    with pytest.raises(IntegrityError) as raised, transaction.atomic():
        User.objects.create(username="ann")

    assert {"auth_user.username", "username"} & violated(raised.value)
