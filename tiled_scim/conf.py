"""The package's settings: each is read from Django's settings when it is asked for.

Nothing is cached, so that `override_settings` works; the exception is `LIBRARY_MODEL`, which a
foreign key needs when the models load.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, cast

from django.conf import settings as django_settings
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from tiled_scim.host import HostAdapter

PREFIX = "TILED_SCIM_"
# The longest of the periods that settings and commands take: every database can hold the dates.
LONGEST_PERIOD = timedelta(days=100 * 365)


def _setting(name: str, default: object) -> object:
    return getattr(django_settings, PREFIX + name, default)


class Settings:
    """One property a setting, in the order of the table in the README."""

    @property
    def LIBRARY_MODEL(self) -> str:
        """The model that pushed groups become, as `app_label.Model`; fixed by the first migrate."""
        return cast(str, _setting("LIBRARY_MODEL", "auth.Group"))

    @property
    def LIBRARY_NAME_FIELD(self) -> str:
        """The Library's field that has its name."""
        return cast(str, _setting("LIBRARY_NAME_FIELD", "name"))

    @property
    def LIBRARY_MEMBERS_FIELD(self) -> str | None:
        """The Library's many-to-many to users; None where there is only one, which is found."""
        return cast("str | None", _setting("LIBRARY_MEMBERS_FIELD", None))

    @property
    def ADMIN_FIELD(self) -> str:
        """The user model's boolean that Tiled Admin sets."""
        return cast(str, _setting("ADMIN_FIELD", "is_staff"))

    @property
    def HOST_ADAPTER(self) -> type[HostAdapter]:
        """The HostAdapter class, given as a class or a dotted path."""
        adapter = _setting("HOST_ADAPTER", "tiled_scim.host.HostAdapter")
        return cast("type[HostAdapter]", _imported(adapter))

    @property
    def ENABLED(self) -> Callable[[str], bool]:
        """Whether an account may use SCIM: a bool, or a callable (or its path) of the account."""
        enabled = _imported(_setting("ENABLED", True))
        if callable(enabled):
            return enabled
        return lambda account: bool(enabled)

    @property
    def ADOPT_USERS(self) -> Literal["username", "email"] | None:
        """What makes a pushed person the same as a host user that exists already."""
        return cast('Literal["username", "email"] | None', _setting("ADOPT_USERS", "username"))

    @property
    def ADOPT_LIBRARIES(self) -> bool:
        """Whether a pushed group may take over a Library that people made."""
        return cast(bool, _setting("ADOPT_LIBRARIES", False))

    @property
    def UNKNOWN_MEMBERS(self) -> Literal["skip", "reject"]:
        """What to do with member ids that are not, or no longer, known."""
        return cast('Literal["skip", "reject"]', _setting("UNKNOWN_MEMBERS", "skip"))

    @property
    def USER_DELETE(self) -> Literal["deactivate", "delete"]:
        """What DELETE does to the host user, besides letting go."""
        return cast('Literal["deactivate", "delete"]', _setting("USER_DELETE", "deactivate"))

    @property
    def REMOVE_LAST_ADMIN(self) -> bool:
        """Whether SCIM may leave an account without an active Tiled Admin."""
        return cast(bool, _setting("REMOVE_LAST_ADMIN", False))

    @property
    def TOKEN_LIFETIME(self) -> timedelta | None:
        """How long a new token is good for; None is for ever."""
        return cast("timedelta | None", _setting("TOKEN_LIFETIME", None))

    @property
    def PAGE_SIZE(self) -> int:
        """Resources on a page where the client does not say."""
        return cast(int, _setting("PAGE_SIZE", 10))

    @property
    def MAX_PAGE_SIZE(self) -> int:
        """Resources on a page at most."""
        return cast(int, _setting("MAX_PAGE_SIZE", 100))

    @property
    def THROTTLE(self) -> str | None:
        """Requests of a token, or refused ones of an address, as in "600/min"; None is no limit."""
        return cast("str | None", _setting("THROTTLE", None))

    @property
    def EVENT_RETENTION(self) -> timedelta | None:
        """How long events are kept, until `scim_prune` deletes them; None is for ever."""
        return cast("timedelta | None", _setting("EVENT_RETENTION", timedelta(days=90)))

    @property
    def BASE_URL(self) -> str | None:
        """The SCIM base URL that clients use; None takes it from the request."""
        return cast("str | None", _setting("BASE_URL", None))


def _imported(value: object) -> object:
    return import_string(value) if isinstance(value, str) else value


settings = Settings()
