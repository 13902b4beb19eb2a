"""`holder_of_value` finds the row that a unique constraint protects, of each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, models
from django.db.models.functions import Lower
from django.test.utils import isolate_apps

from tiled_scim.database.unique_values import holder_of_value

pytestmark = pytest.mark.django_db(transaction=True)

OPTIONS: dict[str, dict[str, Any]] = {
    "unique_together": {"unique_together": (("owner", "name"),)},
    "columns": {"constraints": (models.UniqueConstraint(fields=("owner", "name"), name="u"),)},
    "condition": {
        "constraints": (
            models.UniqueConstraint(
                fields=("owner", "name"), condition=models.Q(is_deleted=False), name="u"
            ),
        )
    },
    "expression": {"constraints": (models.UniqueConstraint(Lower("name"), "owner", name="u"),)},
}


@pytest.fixture(params=OPTIONS)
def shelf(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Return a model whose name is unique for its owner, in one of the ways of Django."""
    with isolate_apps("tests.simple_project"):

        class Shelf(models.Model):
            owner = models.IntegerField(default=1)
            name = models.CharField(max_length=50)
            is_deleted = models.BooleanField(default=False)

            class Meta:
                app_label = "simple_project"
                unique_together = OPTIONS[request.param].get("unique_together", ())
                constraints = OPTIONS[request.param].get("constraints", ())

            def __str__(self) -> str:
                return self.name

        with connection.schema_editor() as editor:
            editor.create_model(Shelf)
        yield Shelf
        with connection.schema_editor() as editor:
            editor.delete_model(Shelf)


def test_another_row_with_the_value(shelf: Any) -> None:
    holder = shelf.objects.create(name="Surfaces")

    assert holder_of_value(shelf(), "name", "Surfaces") == holder
    assert holder_of_value(shelf(), "name", "Moulds") is None


def test_the_row_itself_and_rows_with_another_owner(shelf: Any) -> None:
    holder = shelf.objects.create(name="Surfaces")

    assert holder_of_value(holder, "name", "Surfaces") is None
    assert holder_of_value(shelf(owner=2), "name", "Surfaces") is None


def test_a_column_that_is_not_unique(shelf: Any) -> None:
    shelf.objects.create(name="Surfaces", is_deleted=True)

    assert holder_of_value(shelf(), "is_deleted", "1") is None


@pytest.mark.parametrize("shelf", ["condition"], indirect=True)
def test_a_row_outside_the_condition(shelf: Any) -> None:
    shelf.objects.create(name="Surfaces", is_deleted=True)

    assert holder_of_value(shelf(), "name", "Surfaces") is None


@pytest.mark.parametrize("shelf", ["expression"], indirect=True)
def test_an_expression_that_ignores_case(shelf: Any) -> None:
    holder = shelf.objects.create(name="SURFACES")

    assert holder_of_value(shelf(), "name", "Surfaces") == holder
