"""`manage.py scim_token`: manage the tokens of identity providers on the command line."""

from __future__ import annotations

from collections.abc import Container
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tiled_scim.connections import (
    KEPT_AT_MOST,
    Connection,
    NewToken,
    TokenChangedError,
    all_tokens,
    seen_key,
)
from tiled_scim.host import adapter_class
from tiled_scim.management.actors import shell_actor
from tiled_scim.management.arguments import days, days_up_to, require_known
from tiled_scim.management.columns import aligned
from tiled_scim.management.printing import for_account, format_time, print_secret
from tiled_scim.models import ScimToken, Slot
from tiled_scim.secret import Secret

NAME = "scim_token"
COLUMNS = ("ACCOUNT", "TOKEN", "CREATED", "BY", "EXPIRES", "LAST USED", "STATE")
WITHOUT_ACCOUNT = (
    "A token is current although its account does not exist. If that is not intended, revoke it: "
    "scim_token revoke --account KEY."
)


class Command(BaseCommand):
    help = "Generates, lists and revokes the tokens that Okta uses for the SCIM API."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, title="actions")
        generate = actions.add_parser(
            "generate", help="Generate a token for an account, replacing the current one."
        )
        generate.add_argument(
            "--lifetime",
            type=days,
            metavar="DAYS",
            help="How long the token is valid. Default: TILED_SCIM_TOKEN_LIFETIME.",
        )
        generate.add_argument(
            "--keep",
            type=days_up_to(KEPT_AT_MOST),
            metavar="DAYS",
            help=f"How long the current token still works, {KEPT_AT_MOST.days} days at most. "
            "Default: 0, it stops working immediately.",
        )
        generate.add_argument("--quiet", action="store_true", help="Print only the token.")
        listing = actions.add_parser("list", help="List the tokens.")
        revoke = actions.add_parser("revoke", help="Revoke the tokens of an account immediately.")
        revoke.add_argument(
            "--token",
            metavar="LAST_FOUR",
            help="Revoke only the token that ends in these characters.",
        )
        for action in (generate, listing, revoke):
            action.add_argument(
                "--account", metavar="KEY", help="The account, if there are several."
            )

    def handle(self, *args: Any, action: str, account: str | None, **options: Any) -> None:
        if action == "list":
            self._list(account)
        elif action == "revoke":
            self._revoke(account or "", options["token"])
        elif options["quiet"]:
            new = self._generate(account or "", options["lifetime"], options["keep"])
            self._print_secret(new.plaintext)
        else:
            new = self._generate(account or "", options["lifetime"], options["keep"])
            self._explain(account or "", new)

    def _generate(
        self, account: str, lifetime: timedelta | None, keep: timedelta | None
    ) -> NewToken:
        require_known(account)
        return Connection(account).rotate(shell_actor(NAME), lifetime=lifetime, keep=keep)

    def _explain(self, account: str, new: NewToken) -> None:
        for token in filter(None, (new.replaced, new.dropped)):
            self.stdout.write(_outlook(token))
        if new.token.expires_at:
            validity = f"valid until {format_time(new.token.expires_at)}"
        else:
            validity = "without expiry"
        self.stdout.write(f"The new token{for_account(account)}, {validity}:\n")
        self._print_secret(new.plaintext)
        self.stdout.write("\nCopy it now: it is not stored and cannot be shown again.")

    def _print_secret(self, secret: Secret) -> None:
        print_secret(self.stdout, secret, "The token")

    def _revoke(self, account: str, last_four: str | None) -> None:
        connection = Connection(account)
        seen = None if last_four is None else _key_of(connection, last_four)
        try:
            revoked = connection.revoke(shell_actor(NAME), seen=seen)
        except TokenChangedError as error:
            raise CommandError(str(error)) from error
        if not revoked:
            # Not checked earlier, so that the tokens of a former account can be revoked.
            require_known(account)
            self.stdout.write(f"There is no token to revoke{for_account(account)}.")
        for token in revoked:
            self.stdout.write(_outlook(token))

    def _list(self, account: str | None) -> None:
        tokens = list(all_tokens() if account is None else Connection(account).tokens())
        if not tokens:
            if account is not None:
                require_known(account)
            self.stdout.write("There are no tokens.")
            return
        known = adapter_class().account_labels({token.account for token in tokens})
        for line in aligned([COLUMNS, *(_row(token, known) for token in tokens)]):
            self.stdout.write(line)
        if any(token.is_current and token.account not in known for token in tokens):
            self.stdout.write(WITHOUT_ACCOUNT)


def _row(token: ScimToken, known: Container[str]) -> tuple[str, ...]:
    account = token.account or "-"
    return (
        account if token.account in known else f"{account} (does not exist)",
        f"...{token.last_four}",
        format_time(token.created_at),
        str(token.created_by or "-"),
        format_time(token.expires_at),
        format_time(token.last_used_at),
        _state(token),
    )


def _state(token: ScimToken) -> str:
    if token.is_current:
        return "previous" if token.slot == Slot.PREVIOUS else "current"
    return "expired" if token.is_expired and token.revoked_at is None else "ended"


def _outlook(token: ScimToken) -> str:
    """Say whether a token that was replaced or revoked still works."""
    name = f"The token ending in {token.last_four}, created on {format_time(token.created_at)},"
    if token.is_current:
        return f"{name} works until {format_time(token.expires_at)}."
    return f"{name} has stopped working."


def _key_of(connection: Connection, last_four: str) -> str:
    """Return the `seen_key` of the current token that ends in four characters.

    Raises:
        CommandError: There is no such token, or both current tokens end in them.
    """
    tokens = connection.current_tokens().all()
    keys = [seen_key(token) for token in tokens if token.last_four == last_four]
    if len(keys) == 1:
        return keys[0]
    if keys:
        raise CommandError(f"Both current tokens end in {last_four!r}. Revoke one on the page.")
    require_known(connection.account)
    endings = ", ".join(token.last_four for token in tokens)
    known = f"The current tokens end in: {endings}." if tokens else "There is no current token."
    raise CommandError(f"No current token ends in {last_four!r}. {known}")
