"""`manage.py scim_token`: the tokens that identity providers call with, for people with a shell."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.timezone import is_aware, localtime

from tiled_scim.management.arguments import days, require_known
from tiled_scim.management.columns import aligned
from tiled_scim.models import ScimToken

COLUMNS = ("ACCOUNT", "TOKEN", "CREATED", "BY", "EXPIRES", "LAST USED", "STATE")


class Command(BaseCommand):
    help = "Generates, lists and revokes the tokens that Okta calls the SCIM API with."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, title="actions")
        generate = actions.add_parser(
            "generate", help="Make an account's token; its earlier one ends."
        )
        generate.add_argument(
            "--lifetime",
            type=days,
            metavar="DAYS",
            help="How long the token is good for; by default TILED_SCIM_TOKEN_LIFETIME.",
        )
        generate.add_argument(
            "--quiet", action="store_true", help="Print the token and nothing else."
        )
        listing = actions.add_parser("list", help="Show what tokens there are.")
        revoke = actions.add_parser("revoke", help="End an account's token at once.")
        for action in (generate, listing, revoke):
            action.add_argument("--account", metavar="KEY", help="Which account, if several.")

    def handle(self, *args: Any, action: str, account: str | None, **options: Any) -> None:
        if action == "list":
            self._list(account)
        elif action == "revoke":
            self._revoke(account or "")
        elif options["quiet"]:
            self.stdout.write(self._generate(account or "", options["lifetime"])[1])
        else:
            self._generate_and_explain(account or "", options["lifetime"])

    def _generate(self, account: str, lifetime: timedelta | None) -> tuple[ScimToken, str]:
        require_known(account)
        return ScimToken.objects.generate(account, lifetime=lifetime)

    def _generate_and_explain(self, account: str, lifetime: timedelta | None) -> None:
        earlier = ScimToken.objects.current(account)
        token, plaintext = self._generate(account, lifetime)
        if earlier is not None:
            self.stdout.write(f"{_described(earlier)} has stopped working.")
        end = f"good until {_when(token.expires_at)}" if token.expires_at else "it does not expire"
        self.stdout.write(f"The new token{_of(account)}, {end}:\n\n{plaintext}\n")
        self.stdout.write("Copy it now: it is kept nowhere and cannot be shown again.")

    def _revoke(self, account: str) -> None:
        token = ScimToken.objects.current(account)
        if token is None:
            require_known(account)  # asked only now: the token of a former account can be ended
            self.stdout.write(f"There is no token to revoke{_of(account)}.")
            return
        token.revoke()
        self.stdout.write(f"{_described(token)} has stopped working.")

    def _list(self, account: str | None) -> None:
        tokens = ScimToken.objects.written().select_related("created_by")
        if account is not None:
            tokens = tokens.filter(account=account)
        rows = [_row(token) for token in tokens]
        if not rows:
            if account is not None:
                require_known(account)
            self.stdout.write("There are no tokens.")
            return
        for line in aligned([COLUMNS, *rows]):
            self.stdout.write(line)


def _row(token: ScimToken) -> tuple[str, ...]:
    return (
        token.account or "-",
        f"...{token.last_four}",
        _when(token.created_at),
        str(token.created_by or "-"),
        _when(token.expires_at),
        _when(token.last_used_at),
        _state(token),
    )


def _state(token: ScimToken) -> str:
    if token.is_current:
        return "current"
    return "expired" if token.is_expired and token.revoked_at is None else "ended"


def _described(token: ScimToken) -> str:
    return f"The token ending in {token.last_four}, made on {_when(token.created_at)},"


def _of(account: str) -> str:
    return f" of the account {account}" if account else ""


def _when(moment: datetime | None) -> str:
    """The moment in the project's time zone, to the minute."""
    if moment is None:
        return "-"
    return f"{localtime(moment) if is_aware(moment) else moment:%Y-%m-%d %H:%M}"
