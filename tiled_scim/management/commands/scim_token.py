"""`manage.py scim_token`: manage the tokens of identity providers on the command line."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import is_aware, localtime

from tiled_scim.connections import Connection, NewToken, all_tokens
from tiled_scim.host import adapter_class
from tiled_scim.management.actors import shell_actor
from tiled_scim.management.arguments import days, require_known
from tiled_scim.management.columns import aligned
from tiled_scim.models import ScimToken
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
        generate.add_argument("--quiet", action="store_true", help="Print only the token.")
        listing = actions.add_parser("list", help="List the tokens.")
        revoke = actions.add_parser("revoke", help="Revoke the token of an account immediately.")
        for action in (generate, listing, revoke):
            action.add_argument(
                "--account", metavar="KEY", help="The account, if there are several."
            )

    def handle(self, *args: Any, action: str, account: str | None, **options: Any) -> None:
        if action == "list":
            self._list(account)
        elif action == "revoke":
            self._revoke(account or "")
        elif options["quiet"]:
            self._print_secret(self._generate(account or "", options["lifetime"]).plaintext)
        else:
            self._generate_and_explain(account or "", options["lifetime"])

    def _generate(self, account: str, lifetime: timedelta | None) -> NewToken:
        require_known(account)
        return Connection(account).rotate(shell_actor(NAME), lifetime=lifetime)

    def _generate_and_explain(self, account: str, lifetime: timedelta | None) -> None:
        new = self._generate(account, lifetime)
        if new.replaced is not None:
            self.stdout.write(f"{_describe(new.replaced)} has stopped working.")
        if new.token.expires_at:
            validity = f"valid until {_format(new.token.expires_at)}"
        else:
            validity = "without expiry"
        self.stdout.write(f"The new token{_for(account)}, {validity}:\n")
        self._print_secret(new.plaintext)
        self.stdout.write("\nCopy it now: it is not stored and cannot be shown again.")

    def _print_secret(self, secret: Secret) -> None:
        """Print a secret on a line of its own.

        Raises:
            CommandError: It cannot be printed. The traceback does not lead to the text.
        """
        try:
            self.stdout.write(secret)
            self.stdout.flush()
        except (OSError, ValueError) as error:
            problem = error.strerror if isinstance(error, OSError) else "the output is closed"
        else:
            return
        raise CommandError(f"The token could not be printed ({problem}). Generate another one.")

    def _revoke(self, account: str) -> None:
        token = Connection(account).revoke(shell_actor(NAME))
        if token is None:
            # Not checked earlier, so that the token of a former account can be revoked.
            require_known(account)
            self.stdout.write(f"There is no token to revoke{_for(account)}.")
            return
        self.stdout.write(f"{_describe(token)} has stopped working.")

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
        _format(token.created_at),
        str(token.created_by or "-"),
        _format(token.expires_at),
        _format(token.last_used_at),
        _state(token),
    )


def _state(token: ScimToken) -> str:
    if token.is_current:
        return "current"
    return "expired" if token.is_expired and token.revoked_at is None else "ended"


def _describe(token: ScimToken) -> str:
    return f"The token ending in {token.last_four}, created on {_format(token.created_at)},"


def _for(account: str) -> str:
    return f" for the account {account}" if account else ""


def _format(moment: datetime | None) -> str:
    """Format a time in the current time zone, to the minute."""
    if moment is None:
        return "-"
    return f"{localtime(moment) if is_aware(moment) else moment:%Y-%m-%d %H:%M}"
