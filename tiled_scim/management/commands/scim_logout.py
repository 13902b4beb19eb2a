"""`manage.py scim_logout`: let an account's identity provider end the sessions of its people."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tiled_scim import logout
from tiled_scim.conf import PREFIX, settings
from tiled_scim.management.actors import shell_actor
from tiled_scim.management.arguments import require_known
from tiled_scim.models import LogoutIssuer
from tiled_scim.oauth.assertions import EXTRA, is_available

NAME = "scim_logout"


class Command(BaseCommand):
    help = "Configures Universal Logout, with which Okta ends the sessions of people."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, title="actions")
        configure = actions.add_parser(
            "configure", help="Say who signs the requests, and show the URL for them."
        )
        configure.add_argument(
            "--issuer", required=True, metavar="URL", help="The URL of the Okta org."
        )
        configure.add_argument(
            "--jwks-url",
            default="",
            metavar="URL",
            help=f"The URL of the issuer's public keys. Default: {logout.OKTA_KEYS} of the issuer.",
        )
        show = actions.add_parser("show", help="Show what is configured.")
        off = actions.add_parser("off", help="Turn Universal Logout off.")
        for action in (configure, show, off):
            action.add_argument(
                "--account", default="", metavar="KEY", help="The account, if there are several."
            )

    def handle(self, *args: Any, action: str, account: str, **options: Any) -> None:
        if action == "off":
            self._turn_off(account)
            return
        require_known(account)
        if action == "configure":
            self._configure(account, options["issuer"], options["jwks_url"])
        issuer = logout.issuer_of(account)
        if issuer is None:
            self.stdout.write("Universal Logout is off.")
        else:
            self._describe(issuer)

    def _configure(self, account: str, issuer: str, jwks_url: str) -> None:
        if not is_available():
            raise CommandError(f"Signatures cannot be verified here. Install {EXTRA}.")
        try:
            logout.configure(account, shell_actor(NAME), issuer, jwks_url)
        except logout.InvalidIssuerError as error:
            raise CommandError(str(error)) from None

    def _describe(self, issuer: LogoutIssuer) -> None:
        path = logout.path_of(issuer)
        url = f"{settings.BASE_URL.rstrip('/')}/{path}" if settings.BASE_URL else path
        self.stdout.write(f"Issuer: {issuer.issuer}")
        self.stdout.write(f"Keys: {issuer.jwks_url}")
        self.stdout.write(f"Logout endpoint: {url}")
        if not settings.BASE_URL:
            self.stdout.write(
                f"It is below the SCIM base URL, because {PREFIX}BASE_URL is not set."
            )

    def _turn_off(self, account: str) -> None:
        # It also works for an account that does not exist any more.
        if logout.turn_off(account, shell_actor(NAME)):
            self.stdout.write("Universal Logout is off now.")
        else:
            require_known(account)
            self.stdout.write("Universal Logout was off already.")
