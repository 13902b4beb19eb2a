"""Setup links: an account's admin sends one to the person who connects the identity provider.

This is the Python API for them. A link is for one account, works for hours, as often as it is
opened, and can be revoked. Creating, opening and revoking one are events.

    from tiled_scim import setup_links
    from tiled_scim.connections import Actor

    new = setup_links.create("acme", Actor(f"Settings: {user}", user))
    send(f"https://your.host/settings/scim/setup/open/#{new.code}")  # it is not stored

The code is a secret of 256 random bits, signed with the host's SECRET_KEY. It stands after a `#`,
so browsers send it neither to servers nor in a Referer header, and no access log has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from tiled_scim.audit.events import Change, record, record_by_hand
from tiled_scim.connections import Actor, Connection, UnknownAccountError
from tiled_scim.errors import Cause, ScimError
from tiled_scim.models import Action, SetupLink
from tiled_scim.secret import Secret

DEFAULT_LIFETIME = timedelta(hours=24)
LIFETIMES = (timedelta(hours=1), timedelta(hours=8), DEFAULT_LIFETIME, timedelta(hours=72))


@dataclass(frozen=True)
class NewSetupLink:
    """A setup link that was just created.

    Args:
        link: The row.
        code: The code, which is not stored.
    """

    link: SetupLink
    code: Secret


class SetupLinkEndedError(Exception):
    """There is no such setup link, or it has expired or was revoked."""


def create(account: str, actor: Actor, lifetime: timedelta = DEFAULT_LIFETIME) -> NewSetupLink:
    """Create a setup link.

    Args:
        account: The account's key.
        actor: Who creates it. It must have a `user`: the link ends if that user does.
        lifetime: How long the link works.

    Raises:
        UnknownAccountError: The host does not have the account.
    """
    if not Connection(account).exists:
        raise UnknownAccountError(account)
    with SetupLink.objects.atomic():
        link, code = SetupLink.objects.issue(account, created_by=actor.user, lifetime=lifetime)
        expires = link.expires_at.isoformat(timespec="minutes")
        record_by_hand(link, actor, Action.SETUP_LINK_CREATED, {"expires": [None, expires]})
    return NewSetupLink(link, code)


def use(code: str, address: str | None = None) -> SetupLink:
    """Open a setup link.

    Args:
        code: The code of the link.
        address: The IP address of the person who opens it.

    Raises:
        SetupLinkEndedError: There is no such link, or it no longer works. The second is an event.
    """
    link = SetupLink.objects.with_code(code)
    if link is None:
        raise SetupLinkEndedError
    if not link.is_open:
        _record_refusal(link, address)
        raise SetupLinkEndedError
    with SetupLink.objects.atomic():
        rows = SetupLink.objects.for_write().filter(pk=link.pk)
        rows.update(uses=F("uses") + 1, last_used_at=timezone.now())
        record_by_hand(link, actor_of(link, address), Action.SETUP_LINK_USED)
    return link


def revoke(link: SetupLink, actor: Actor) -> bool:
    """Revoke a setup link. People who have opened it lose access with their next click.

    Returns:
        Whether the link was open.
    """
    with SetupLink.objects.atomic():
        rows = SetupLink.objects.for_write().filter(pk=link.pk, revoked_at=None)
        if not link.is_open or not rows.update(revoked_at=timezone.now()):
            return False
        record_by_hand(link, actor, Action.SETUP_LINK_REVOKED)
    return True


def actor_of(link: SetupLink, address: str | None = None) -> Actor:
    """Return the person who uses a link, as the actor of a change."""
    return Actor(f"Setup link {link.pk} of {link.created_by.get_username()}", None, address)


def _record_refusal(link: SetupLink, address: str | None) -> None:
    """Write the event of a link that was opened after its end. Repetitions count as one event."""
    error = ScimError(410, link.why_ended, cause=Cause.SETUP_LINK_ENDED)
    source = actor_of(link, address).source(link.account)
    record(source, Change(name=str(link)), status=error.status, error=error)
