"""Write the parts of docs/settings.md and docs/commands.md that the code says itself.

`make docs` runs this module. A test fails while the pages are not what it would write.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
from collections.abc import Iterator
from inspect import cleandoc

import django
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

from tests.documented.pages import ROOT

SETTINGS_PAGE = ROOT / "docs" / "settings.md"
COMMANDS_PAGE = ROOT / "docs" / "commands.md"

# Where a setting is explained at length.
GUIDES = {
    "LIBRARY_MODEL": "[Installation](installation.md)",
    "ADMIN_NAME": "[Configuration pages](configuration-pages.md)",
    "MEMBERSHIP_MODEL": "[Customers with accounts](accounts.md#the-membership)",
    "MEMBERSHIP_FIELDS": "[Customers with accounts](accounts.md#the-membership)",
    "DEACTIVATE_HOST_USERS": "[Users of several accounts](accounts.md#users-of-several-accounts)",
    "HOST_ADAPTER": "[Write a HostAdapter](host-adapter.md)",
    "CONFIGURABLE_ACCOUNT": "[Configuration pages](configuration-pages.md#mount-the-pages)",
    "ADOPT_USERS": "[Adopting users](host-adapter.md#adopting-users)",
    "ADOPT_PASSWORDS": "[Adopting users](host-adapter.md#adopting-users)",
    "END_SESSIONS": "[Sessions](host-adapter.md#sessions)",
    "LOGOUT_WITH_TOKEN": "[Universal Logout](protocol.md#universal-logout)",
    "THROTTLE": "[Load](operations.md#load)",
    "BASE_URL": "[Behind a proxy](operations.md#behind-a-proxy)",
}
GENERATED = re.compile(r"(<!-- generated: (?P<name>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def setting_defaults() -> dict[str, str]:
    """Return the settings in conf.py, in order, with the source code of their defaults."""
    calls = [
        node
        for node in ast.walk(ast.parse((ROOT / "tiled_scim" / "conf.py").read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_setting"
    ]
    calls.sort(key=lambda call: call.lineno)
    return {ast.literal_eval(call.args[0]): ast.unparse(call.args[1]) for call in calls}


def settings_page() -> str:
    """Return docs/settings.md with what the code says."""
    return _filled(SETTINGS_PAGE.read_text(), {"settings": "\n".join(_settings())})


def commands_page() -> str:
    """Return docs/commands.md with what the code says."""
    parsers = {name: _parser(name) for name in command_names()}
    parts = {name: "\n".join(_command(parser)) for name, parser in parsers.items()}
    return _filled(COMMANDS_PAGE.read_text(), parts)


def command_names() -> list[str]:
    """Return the names of the commands that the package brings."""
    return sorted(name for name, app in get_commands().items() if app == "tiled_scim")


def _filled(page: str, parts: dict[str, str]) -> str:
    return GENERATED.sub(lambda found: f"{found[1]}\n{parts[found['name']]}\n{found[3]}", page)


def _settings() -> Iterator[str]:
    # These need the models.
    from tiled_scim import conf
    from tiled_scim.checks.settings import SETTINGS

    for name, default in setting_defaults().items():
        kind = SETTINGS[name]
        description = cleandoc(getattr(conf.Settings, name).__doc__).replace("\n\n", "\n")
        yield f"## `{conf.PREFIX}{name}`\n"
        yield f"{_with_links(description)}\n"
        yield f"- Default: `{_quoted(default)}`"
        yield f"- Value: {'`None`, or ' if kind.is_optional else ''}{kind.right}"
        if name in GUIDES:
            yield f"- See {GUIDES[name]}"
        yield ""


def _quoted(source: str) -> str:
    """Return Python source with double quotation marks."""
    return source.replace("'", '"')


def _with_links(text: str) -> str:
    """Link the settings that a text names."""
    return re.sub(
        r"`?(TILED_SCIM_[A-Z_]+)`?",
        lambda found: f"[`{found[1]}`](settings.md#{found[1].lower()})",
        text,
    )


def _parser(name: str) -> argparse.ArgumentParser:
    command = load_command_class("tiled_scim", name)
    assert isinstance(command, BaseCommand)
    # A default from the environment of whoever writes the page is none of the command's.
    os.environ.pop("SCIM_TOKEN", None)
    parser = argparse.ArgumentParser(
        f"manage.py {name}", description=command.help, add_help=False, allow_abbrev=False
    )
    command.add_arguments(parser)  # type: ignore[arg-type]  # only Django adds its own options
    return parser


def _command(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield f"{parser.description}\n"
    actions = next((each for each in parser._actions if _is_choice(each)), None)
    if actions is None:
        yield from _options(parser)
        return
    summaries = {each.dest: each.help for each in actions._choices_actions}  # type: ignore[attr-defined]
    for name, subparser in actions.choices.items():  # type: ignore[union-attr]
        yield f"### `{parser.prog.removeprefix('manage.py ')} {name}`\n"
        yield f"{summaries[name]}\n"
        yield from _options(subparser)


def _is_choice(action: argparse.Action) -> bool:
    return isinstance(action, argparse._SubParsersAction)


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    options = [each for each in parser._actions if not isinstance(each, argparse._HelpAction)]
    yield "| option | meaning |\n|---|---|"
    for option in options:
        meaning = " ".join((option.help or "").split()) % (vars(option) | {"prog": parser.prog})
        required = "Required. " if option.required else ""
        yield f"| `{_spelled(option)}` | {required}{_with_links(meaning)} |"
    yield ""


def _spelled(option: argparse.Action) -> str:
    if not option.option_strings:
        return str(option.metavar or option.dest.upper())
    if option.nargs == 0:
        return option.option_strings[-1]
    choices = ",".join(map(str, option.choices or ()))
    value = option.metavar or (f"{{{choices}}}" if choices else option.dest.upper())
    return f"{option.option_strings[-1]} {value}"


def write() -> None:
    """Write both pages."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.simple_project.settings")
    django.setup()
    SETTINGS_PAGE.write_text(settings_page())
    COMMANDS_PAGE.write_text(commands_page())


if __name__ == "__main__":
    write()
