"""`manage.py scim_client`: manage the OAuth clients of identity providers on the command line."""

from __future__ import annotations

import json
from collections.abc import Container
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tiled_scim import clients
from tiled_scim.api.base_url import token_url
from tiled_scim.checks.settings import SETTINGS
from tiled_scim.clients import Federation
from tiled_scim.conf import PREFIX, settings
from tiled_scim.host import adapter_class
from tiled_scim.management.actors import shell_actor
from tiled_scim.management.arguments import days, require_known
from tiled_scim.management.columns import aligned
from tiled_scim.management.printing import for_account, format_time, print_secret
from tiled_scim.models import ScimClient, ScimClientSecret
from tiled_scim.oauth.assertions import EXTRA
from tiled_scim.secret import Secret

NAME = "scim_client"
DEFAULT_NAME = "Identity provider"
COLUMNS = ("ACCOUNT", "CLIENT ID", "NAME", "SECRETS", "CREATED", "BY", "LAST USED")
FEDERATION = ("issuer", "jwks_url", "subject", "audience")


class Command(BaseCommand):
    help = (
        "Creates, lists and revokes OAuth clients, for identity providers that get access tokens "
        "by client credentials, as Microsoft Entra ID does."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, title="actions")
        create = actions.add_parser(
            "create", help="Create a client, with a secret or with a federation."
        )
        create.add_argument("--name", default=DEFAULT_NAME, help="Default: %(default)s.")
        for name in FEDERATION:
            create.add_argument(
                f"--{name.replace('_', '-')}",
                default="",
                help="Of the identity provider whose assertions replace the client secret.",
            )
        listing = actions.add_parser("list", help="List the clients.")
        for action in (create, listing):
            action.add_argument(
                "--account", metavar="KEY", help="The account, if there are several."
            )
        rotate = actions.add_parser(
            "rotate", help="Create another secret. The current one keeps working."
        )
        revoke = actions.add_parser("revoke", help="Revoke a client or a secret immediately.")
        for action in (rotate, revoke):
            action.add_argument("client_id", metavar="CLIENT_ID", help="The client.")
        revoke.add_argument(
            "--secret",
            metavar="LAST_FOUR",
            help="Revoke only the secret that ends in these. They may begin with a hyphen: write "
            "--secret=LAST_FOUR.",
        )
        for action in (create, rotate):
            _add_options_of_secrets(action)

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        getattr(self, f"_{action}")(**options)

    def _create(self, *, account: str | None, name: str, **options: Any) -> None:
        account = account or ""
        require_known(account)
        base_url = _base_url(options["base_url"])
        try:
            new = clients.create(
                account,
                name,
                shell_actor(NAME),
                federation=_federation(options),
                lifetime=options["lifetime"],
            )
        except clients.InvalidClientError as error:
            raise CommandError(f"--{error.field.replace('_', '-')}: {error}") from None
        except clients.FederationUnavailableError:
            raise CommandError(f"Assertions cannot be verified here. Install {EXTRA}.") from None
        except clients.TooManyClientsError:
            raise CommandError(
                f"There are {clients.MOST_CLIENTS} clients{for_account(account)}, and there may "
                f"not be more. Revoke one: {NAME} revoke CLIENT_ID."
            ) from None
        if not options["is_json"]:
            self.stdout.write(f"The client “{new.client}”{for_account(account)} was created:\n")
        self._show(new.client, new.secret, base_url, is_json=options["is_json"])

    def _rotate(self, *, client_id: str, **options: Any) -> None:
        client = _client(client_id)
        base_url = _base_url(options["base_url"])
        try:
            secret = clients.add_secret(client, shell_actor(NAME), lifetime=options["lifetime"])
        except clients.InvalidClientError as error:
            raise CommandError(f"--{error.field}: {error}") from None
        except clients.ClientEndedError:
            raise CommandError(f"The client “{client}” has a federation, and no secrets.") from None
        except clients.TooManySecretsError:
            raise CommandError(
                f"The client “{client}” has two secrets that work. Revoke the old one: {NAME} "
                f"revoke {client_id} --secret=LAST_FOUR."
            ) from None
        self._show(client, secret, base_url, is_json=options["is_json"])
        if not options["is_json"]:
            self.stdout.write(
                "The previous secret keeps working. When the identity provider uses the new one, "
                f"revoke it: {NAME} revoke {client_id} --secret=LAST_FOUR."
            )

    def _revoke(self, *, client_id: str, secret: str | None, **options: Any) -> None:
        client = _client(client_id)
        if secret is None:
            clients.revoke(client, shell_actor(NAME))
            self.stdout.write(f"The client “{client}” has stopped working.")
            return
        found = [each for each in _current(client) if each.last_four == secret]
        if len(found) != 1:
            endings = ", ".join(each.last_four for each in _current(client)) or "none"
            raise CommandError(
                f"Name one secret of the client “{client}” by its last four characters: {endings}."
            )
        clients.revoke_secret(found[0], shell_actor(NAME))
        self.stdout.write(f"The client secret ending in {secret} has stopped working.")

    def _list(self, *, account: str | None, **options: Any) -> None:
        rows = clients.of_all_accounts() if account is None else clients.of_account(account)
        found = list(rows)
        if not found:
            if account is not None:
                require_known(account)
            self.stdout.write("There are no clients.")
            return
        known = adapter_class().account_labels({client.account for client in found})
        for line in aligned([COLUMNS, *(_row(client, known) for client in found)]):
            self.stdout.write(line)

    def _show(
        self,
        client: ScimClient,
        secret: clients.NewClientSecret | None,
        base_url: str,
        *,
        is_json: bool,
    ) -> None:
        """Print what an identity provider needs."""
        values = {
            "client_id": client.client_id,
            **({"client_secret": secret.plaintext} if secret else {}),
            "token_url": token_url(base_url),
            "scim_url": base_url,
        }
        if is_json:
            print_secret(self.stdout, Secret(json.dumps(values)), "The client secret")
            return
        for name, value in values.items():
            label = f"{name.replace('_', ' ')}: "
            print_secret(self.stdout, Secret(label + value), "The client secret")
        if secret is not None:
            self.stdout.write(
                f"\nThe secret is valid until {format_time(secret.row.expires_at)}. Copy it now: "
                "it is not stored and cannot be shown again."
            )


def _add_options_of_secrets(action: CommandParser) -> None:
    action.add_argument(
        "--lifetime",
        type=days,
        metavar="DAYS",
        help=f"How long the secret is valid. Default: {PREFIX}CLIENT_SECRET_LIFETIME.",
    )
    action.add_argument(
        "--base-url",
        metavar="URL",
        help=f"Where SCIM is mounted, as clients see it. Default: {PREFIX}BASE_URL.",
    )
    action.add_argument(
        "--json", action="store_true", dest="is_json", help="Print one JSON object, and only that."
    )


def _base_url(given: str | None) -> str:
    """Return the SCIM base URL, without a slash at the end.

    Raises:
        CommandError: It is not known, or no URL.
    """
    url, kind = given or settings.BASE_URL, SETTINGS["BASE_URL"]
    if not url:
        raise CommandError(
            "Say where SCIM is mounted, as clients see it: --base-url https://your.host/scim/v2, "
            f"or set {PREFIX}BASE_URL."
        )
    if kind.problem(url) is not None:
        raise CommandError(f"--base-url is {url!r}. Give the complete URL.")
    return url.rstrip("/")


def _federation(options: dict[str, Any]) -> Federation | None:
    """Return the federation in the options, or None if they have nothing of one."""
    values = {name: options[name] for name in FEDERATION}
    return Federation(**values) if any(values.values()) else None


def _client(client_id: str) -> ScimClient:
    """Return the client with an id.

    Raises:
        CommandError: There is none, or it was revoked.
    """
    client = clients.of_all_accounts().filter(client_id=client_id).first()
    if client is None:
        raise CommandError(f"There is no client with the id {client_id!r}. See {NAME} list.")
    return client


def _current(client: ScimClient) -> list[ScimClientSecret]:
    return [secret for secret in client.secrets.all() if secret.is_current]


def _row(client: ScimClient, known: Container[str]) -> tuple[str, ...]:
    account = client.account or "-"
    secrets = ", ".join(
        f"...{secret.last_four} until {format_time(secret.expires_at)}"
        for secret in _current(client)
    )
    return (
        account if client.account in known else f"{account} (does not exist)",
        client.client_id,
        client.name,
        "federation" if client.federation else secrets or "none",
        format_time(client.created_at),
        str(client.created_by or "-"),
        format_time(client.last_used_at),
    )
