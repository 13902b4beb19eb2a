"""The host's membership model: which users belong to which account (`TILED_SCIM_MEMBERSHIP_MODEL`).

A membership has a foreign key to the user model and one to the account model. An account's key is
the primary key of its row, as text.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import Exists, F, FilteredRelation, ForeignKey, Model, OuterRef, Q, QuerySet

from tiled_scim.conf import PREFIX, settings
from tiled_scim.database.expressions import ColumnText

# The name under which a query has the row of the membership.
MEMBERSHIP = "membership"


@dataclass(frozen=True)
class MembershipModel:
    """The membership model and its two foreign keys.

    Args:
        model: The model.
        user: Its foreign key to the user model.
        account: Its foreign key to the account model.
    """

    model: type[Model]
    user: Any
    account: Any

    @property
    def account_model(self) -> type[Model]:
        """Return the model of accounts."""
        return cast("type[Model]", self.account.related_model)

    @property
    def _all(self) -> QuerySet[Any]:
        return self.model._base_manager.all()

    def rows(self, using: str, **conditions: Any) -> QuerySet[Any]:
        """Return memberships that meet conditions on fields of the model, in any order.

        A lock on them would lock other tables, too, if the host orders memberships by those.
        """
        return self._all.using(using).filter(**conditions).order_by()

    def joined(self, rows: QuerySet[Any], to_user: str, account: Any) -> QuerySet[Any]:
        """Join the membership of an account, as `MEMBERSHIP`, to rows with a user.

        Args:
            rows: The rows.
            to_user: The ORM path from a row to its user, ending with `__`. Empty for users.
            account: The key of the account, or an expression for it.
        """
        path = f"{to_user}{self.user.related_query_name()}"
        condition = Q(**{f"{path}__{self.account.name}": account})
        annotations: dict[str, Any] = {MEMBERSHIP: FilteredRelation(path, condition=condition)}
        return cast("QuerySet[Any]", rows.annotate(**annotations))

    def exists(self, user: str, account: str, **conditions: Any) -> Q:
        """Return the condition that a row's user is a member of the row's account.

        Args:
            user: The ORM path from the row to the user's primary key.
            account: The ORM path from the row to the account's key.
            conditions: Conditions on fields of the membership.
        """
        key = ColumnText(F(self.account.attname))
        rows = self._all.filter(**{self.user.attname: OuterRef(user)}, **conditions)
        return Q(Exists(rows.annotate(account_key=key).filter(account_key=OuterRef(account))))


def membership_model() -> MembershipModel | None:
    """Return the membership model of the settings, or None if the host has none.

    Raises:
        LookupError: if there is no such model, or if it is unclear which of its foreign keys are
            the user and the account.
    """
    label = settings.MEMBERSHIP_MODEL
    if label is None:
        return None
    fields = settings.MEMBERSHIP_FIELDS
    return _membership_model(label, fields.get("user"), fields.get("account"))


@lru_cache
def _membership_model(label: str, user: str | None, account: str | None) -> MembershipModel:
    model = _model(label)
    keys = [field for field in model._meta.concrete_fields if isinstance(field, ForeignKey)]
    to_users = [key for key in keys if key.related_model is get_user_model()]
    to_others = [key for key in keys if key not in to_users]
    return MembershipModel(
        model,
        _chosen("user", to_users, user, model),
        _chosen("account", to_others, account, model),
    )


def _model(label: str) -> type[Model]:
    try:
        return apps.get_model(label)
    except ValueError as error:
        raise LookupError(f"“{label}” is not a model: write it as app_label.Model.") from error


def _chosen(name: str, keys: list[Any], wanted: str | None, model: type[Model]) -> Any:
    """Return the foreign key with the wanted name, or the only one."""
    found = [key for key in keys if wanted in {None, key.name}]
    if len(found) == 1:
        return found[0]
    names = ", ".join(key.name for key in keys) or "none"
    raise LookupError(
        f"{model.__name__} must have one foreign key that is the {name}. Found: {names}. Name it "
        f"as “{name}” in {PREFIX}MEMBERSHIP_FIELDS."
    )
