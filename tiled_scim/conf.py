"""The package's settings.

Each setting is read from Django's settings on every access, so that `override_settings` works. The
exception is `LIBRARY_MODEL`, which a foreign key needs when the models are loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, cast

from django.conf import settings as django_settings
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django_stubs_ext import StrOrPromise

    from tiled_scim.host import HostAdapter

PREFIX = "TILED_SCIM_"
# The longest period that settings and commands accept. Every database supports the dates.
LONGEST_PERIOD = timedelta(days=100 * 365)
# What Entra allows: how long client secrets, and access tokens, are valid.
SECRET_LIFETIMES = (timedelta(days=365), timedelta(days=3 * 365 + 1))
ACCESS_TOKEN_LIFETIMES = (timedelta(minutes=60), timedelta(hours=6))


def _setting(name: str, default: object) -> object:
    return getattr(django_settings, PREFIX + name, default)


class Settings:
    """A property for each setting. Their docstrings are the descriptions in docs/settings.md."""

    @property
    def LIBRARY_MODEL(self) -> str:
        """The model that pushed groups become, as `app_label.Model`.

        A foreign key refers to it: set it before the first `migrate`. Changing it later requires
        migrations of your own.
        """
        return cast(str, _setting("LIBRARY_MODEL", "auth.Group"))

    @property
    def LIBRARY_NAME_FIELD(self) -> str:
        """The field with the Library's name."""
        return cast(str, _setting("LIBRARY_NAME_FIELD", "name"))

    @property
    def LIBRARY_MEMBERS_FIELD(self) -> str | None:
        """The Library's many-to-many field to users. None uses the only such field."""
        return cast("str | None", _setting("LIBRARY_MEMBERS_FIELD", None))

    @property
    def ADMIN_FIELD(self) -> str:
        """The boolean field of the user model that the attribute `tiledAdmin` sets.

        `"is_superuser"` is not allowed.
        """
        return cast(str, _setting("ADMIN_FIELD", "is_staff"))

    @property
    def ADMIN_NAME(self) -> StrOrPromise:
        """What people call the role that the admin field gives. The text may be translated."""
        return cast("StrOrPromise", _setting("ADMIN_NAME", "Tiled Admin"))

    @property
    def PRODUCT_NAME(self) -> StrOrPromise:
        """The name of your product, for errors that people read in Okta."""
        return cast("StrOrPromise", _setting("PRODUCT_NAME", "the application"))

    @property
    def MEMBERSHIP_MODEL(self) -> str | None:
        """The model that says which users belong to which account, as `app_label.Model`.

        None means that your product has no accounts, or that a HostAdapter handles them.
        """
        return cast("str | None", _setting("MEMBERSHIP_MODEL", None))

    @property
    def MEMBERSHIP_FIELDS(self) -> Mapping[str, str]:
        """The fields of the membership model, by SCIM attribute.

        For example `{"active": "is_active", "tiledAdmin": "role=admin"}`. `roles` names the field
        with the role. `user` and `account` name the foreign keys, if the model has several.
        """
        return cast("Mapping[str, str]", _setting("MEMBERSHIP_FIELDS", {}))

    @property
    def MEMBERSHIP_DEFAULTS(self) -> Mapping[str, object]:
        """The values of other fields of a new membership, such as `{"role": "member"}`."""
        return cast("Mapping[str, object]", _setting("MEMBERSHIP_DEFAULTS", {}))

    @property
    def LIBRARY_ACCOUNT_FIELD(self) -> str | None:
        """The Library's foreign key to the account. None uses the only one."""
        return cast("str | None", _setting("LIBRARY_ACCOUNT_FIELD", None))

    @property
    def DEACTIVATE_HOST_USERS(self) -> bool:
        """Whether a user without an active membership becomes inactive in your whole product."""
        return cast(bool, _setting("DEACTIVATE_HOST_USERS", True))

    @property
    def HOST_ADAPTER(self) -> type[HostAdapter]:
        """The class that reads and changes your users and Libraries, or its dotted path.

        None uses `AccountAdapter` if there is a membership model, and `HostAdapter` otherwise.
        """
        adapter = _setting("HOST_ADAPTER", None)
        if adapter is None:
            has_memberships = self.MEMBERSHIP_MODEL is not None
            name = "accounts.AccountAdapter" if has_memberships else "host.HostAdapter"
            adapter = f"tiled_scim.{name}"
        return cast("type[HostAdapter]", _imported(adapter))

    @property
    def ENABLED(self) -> Callable[[str], bool]:
        """Who may use SCIM: everybody (True), nobody (False), or some accounts.

        For some accounts, name a function, or its dotted path, that takes an account's key.
        """
        enabled = _imported(_setting("ENABLED", True))
        if callable(enabled):
            return enabled
        return lambda account: bool(enabled)

    @property
    def CONFIGURABLE_ACCOUNT(self) -> Callable[[HttpRequest], str | None] | None:
        """The function, or its dotted path, that decides who may use the configuration pages.

        The function takes the request of a person who is signed in. It returns the key of the
        account that the request is about if this person may configure it, and None otherwise.
        """
        function = _imported(_setting("CONFIGURABLE_ACCOUNT", None))
        return cast("Callable[[HttpRequest], str | None] | None", function)

    @property
    def ADOPT_USERS(self) -> Literal["username", "email"] | None:
        """How a pushed person is matched with an existing user.

        By `"username"`, by `"email"`, or never (None).
        """
        return cast('Literal["username", "email"] | None', _setting("ADOPT_USERS", "username"))

    @property
    def ADOPT_PASSWORDS(self) -> bool:
        """Whether an existing user keeps password and sessions when a push adopts the user.

        Turn it on only if nobody can register on their own.
        """
        return cast(bool, _setting("ADOPT_PASSWORDS", False))

    @property
    def ADOPT_LIBRARIES(self) -> bool:
        """Whether a pushed group is linked to an existing Library of the same name.

        This never applies to Django's own groups.
        """
        return cast(bool, _setting("ADOPT_LIBRARIES", False))

    @property
    def UNKNOWN_MEMBERS(self) -> Literal["skip", "reject"]:
        """What to do with unknown member ids: `"skip"` them, or `"reject"` the request."""
        return cast('Literal["skip", "reject"]', _setting("UNKNOWN_MEMBERS", "skip"))

    @property
    def USER_DELETE(self) -> Literal["deactivate", "delete"]:
        """What DELETE does to the user: `"deactivate"` or `"delete"`."""
        return cast('Literal["deactivate", "delete"]', _setting("USER_DELETE", "deactivate"))

    @property
    def END_SESSIONS(self) -> bool:
        """Whether a user's sessions and API tokens end for good when SCIM ends the access.

        That is when the user is deactivated or deleted.
        """
        return cast(bool, _setting("END_SESSIONS", True))

    @property
    def REMOVE_LAST_ADMIN(self) -> bool:
        """Whether SCIM may take the role of an account's last active Tiled Admin.

        This is about users who stay active. Users can be deactivated and deleted in any case.
        """
        return cast(bool, _setting("REMOVE_LAST_ADMIN", False))

    @property
    def TOKEN_LIFETIME(self) -> timedelta | None:
        """How long a new token is valid. None means forever."""
        return cast("timedelta | None", _setting("TOKEN_LIFETIME", None))

    @property
    def CLIENT_SECRET_LIFETIME(self) -> timedelta:
        """How long a new client secret is valid, from one to three years."""
        return cast(timedelta, _setting("CLIENT_SECRET_LIFETIME", timedelta(days=365)))

    @property
    def ACCESS_TOKEN_LIFETIME(self) -> timedelta:
        """How long an access token is valid, from 60 minutes to 6 hours."""
        return cast(timedelta, _setting("ACCESS_TOKEN_LIFETIME", timedelta(hours=1)))

    @property
    def JWKS_PRIVATE_ADDRESSES(self) -> bool:
        """Whether the public keys of an identity provider may come from a private address."""
        return cast(bool, _setting("JWKS_PRIVATE_ADDRESSES", False))

    @property
    def LOGOUT_WITH_TOKEN(self) -> bool:
        """Whether an account's own credentials may end the sessions of its people."""
        return cast(bool, _setting("LOGOUT_WITH_TOKEN", False))

    @property
    def PAGE_SIZE(self) -> int:
        """The default number of resources on a page, at most `TILED_SCIM_MAX_PAGE_SIZE`."""
        return min(cast(int, _setting("PAGE_SIZE", 100)), self.MAX_PAGE_SIZE)

    @property
    def MAX_PAGE_SIZE(self) -> int:
        """The maximum number of resources on a page."""
        return cast(int, _setting("MAX_PAGE_SIZE", 100))

    @property
    def PASSWORD_IN_SCHEMAS(self) -> bool:
        """Whether `/Schemas` lists `password`. It is accepted in any case, and never stored."""
        return cast(bool, _setting("PASSWORD_IN_SCHEMAS", False))

    @property
    def THROTTLE(self) -> str | None:
        """The rate limit, such as `"600/min"`. None means no limit.

        It applies to each token, and to each IP address or IPv6 network without a valid token.
        """
        return cast("str | None", _setting("THROTTLE", None))

    @property
    def EVENT_RETENTION(self) -> timedelta | None:
        """How long events are kept before `scim_prune` deletes them. None means forever."""
        return cast("timedelta | None", _setting("EVENT_RETENTION", timedelta(days=90)))

    @property
    def BASE_URL(self) -> str | None:
        """The base URL that clients use. None takes it from the request."""
        return cast("str | None", _setting("BASE_URL", None))


def _imported(value: object) -> object:
    return import_string(value) if isinstance(value, str) else value


settings = Settings()
