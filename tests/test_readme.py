"""Tests that the names, defaults, commands and examples in the README and docs/ are correct."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.urls import resolve

from tests.documented import reference
from tests.documented.diagrams import Diagram, diagram, diagrams
from tests.documented.pages import (
    DOCUMENTS,
    INSTALLATION,
    README,
    ROOT,
    code_blocks,
    commands,
    named_blocks,
    prose,
    table_rows,
)
from tiled_scim import conf, errors
from tiled_scim.api import bulk, discovery, etags, parsers, views
from tiled_scim.connections import Connection
from tiled_scim.host import HostAdapter
from tiled_scim.schemas import TILED_USER
from tiled_scim.scim import (
    budget,
    cleaning,
    grammar,
    member_changes,
    numbers,
    patch,
    selection,
)
from tiled_scim.sql import pages, search_time
from tiled_scim.sql import rows as rows_of_resources

PACKAGE = ROOT / "tiled_scim"
DESIGN = ROOT / "docs" / "design.md"
GUIDE = ROOT / "docs" / "host-adapter.md"
CONNECTIONS = ROOT / "docs" / "connections.md"
COMPARISON = ROOT / "docs" / "comparison.md"
PERFORMANCE = ROOT / "docs" / "performance.md"
COMMANDS = ROOT / "docs" / "commands.md"
PROTOCOL = ROOT / "docs" / "protocol.md"

every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)


def plain(cell: str) -> str:
    """Return a cell without its backquotes."""
    return cell.strip("`")


class TestReference:
    """The pages that the code writes: `make docs` updates them."""

    def test_the_page_of_the_settings_is_what_the_code_says(self) -> None:
        assert reference.SETTINGS_PAGE.read_text() == reference.settings_page()

    def test_the_page_of_the_commands_is_what_the_code_says(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SCIM_TOKEN", raising=False)

        assert reference.COMMANDS_PAGE.read_text() == reference.commands_page()

    def test_every_command_has_its_part(self) -> None:
        parts = [found["name"] for found in reference.GENERATED.finditer(COMMANDS.read_text())]

        assert sorted(parts) == reference.command_names()

    def test_each_setting_is_a_property(self) -> None:
        properties = [name for name, item in vars(conf.Settings).items() if type(item) is property]

        assert properties == list(reference.setting_defaults())

    @every_document
    def test_no_other_setting_is_named(self, document: Path) -> None:
        named = re.findall(rf"{conf.PREFIX}(\w+)", document.read_text())

        assert set(named) <= reference.setting_defaults().keys()


def makefile_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))


def make_commands() -> Iterator[list[str]]:
    for document in DOCUMENTS:
        yield from (words for words in commands(document) if words[0] == "make")
        yield from (line.split() for line in re.findall(r"`(make .+?)`", prose(document)))


def manage_commands() -> Iterator[tuple[str, list[str]]]:
    """Return the name and arguments of each Django command in the documents."""
    for document in DOCUMENTS:
        for words in commands(document):
            if words[:2] == ["python", "manage.py"]:
                yield words[2], words[3:]


class TestCommands:
    def test_the_demo_and_the_installation_are_the_first_commands(self) -> None:
        assert list(commands(README))[:2] == [["make", "demo"], ["pip", "install", "tiled-scim"]]

    @pytest.mark.parametrize("words", [*make_commands()], ids=" ".join)
    def test_make_knows_its_targets_and_variables(self, words: list[str]) -> None:
        _, target, *assignments = words
        variables = re.findall(r"^(\w+) :=", (ROOT / "Makefile").read_text(), re.MULTILINE)

        assert target in makefile_targets()
        assert {assignment.partition("=")[0] for assignment in assignments} <= set(variables)

    @pytest.mark.parametrize(("name", "arguments"), [*manage_commands()])
    def test_django_knows_its_commands_and_their_options(
        self, name: str, arguments: list[str]
    ) -> None:
        command = load_command_class(str(get_commands()[name]), name)
        assert isinstance(command, BaseCommand)

        command.create_parser("manage.py", name).parse_args(arguments)

    @every_document
    def test_commands_in_passing_are_there(self, document: Path) -> None:
        in_passing = set(re.findall(r"`manage\.py (\w+)", prose(document)))
        ours = set(re.findall(r"`(scim_\w+)`", prose(document)))

        assert in_passing | ours <= get_commands().keys()

    def test_what_the_page_says_of_the_environment_is_so(self) -> None:
        source = (PACKAGE / "management" / "commands" / "scim_check.py").read_text()

        assert "`SCIM_TOKEN`" in COMMANDS.read_text()
        assert 'TOKEN_VARIABLE = "SCIM_TOKEN"' in source


class TestHosts:
    def test_a_host_is_plugged_in_with_less_than_ten_lines(self) -> None:
        readme_blocks = named_blocks(README)
        lines = [line for code in readme_blocks.values() for line in code.splitlines() if line]

        assert set(readme_blocks) == {"settings.py", "urls.py"}
        assert len(lines) < 10
        assert readme_blocks == named_blocks(INSTALLATION)

    def test_the_guide_tells_of_every_member_of_an_adapter(self) -> None:
        documented = [plain(row[0]).partition("(")[0] for row in table_rows(GUIDE, "member")]
        public = [name for name in vars(HostAdapter) if not name.startswith("_")]

        assert documented == public

    def test_the_page_about_connections_tells_of_every_member(self) -> None:
        documented = [plain(row[0]).partition("(")[0] for row in table_rows(CONNECTIONS, "member")]
        public = [name for name in vars(Connection) if not name.startswith("_")]

        assert documented == public

    @every_document
    def test_code_is_code(self, document: Path) -> None:
        for code in code_blocks(document, "python"):
            ast.parse(code)


def view_of(path: str) -> Any:
    return resolve(f"/scim/v2{path}").func.cls  # type: ignore[attr-defined]  # as DRF's as_view says


class TestEndpoints:
    def test_those_of_the_readme_are_there(self) -> None:
        row = dict(table_rows(INSTALLATION, "part"))["Endpoints"]

        paths = re.findall(r"`(/[.\w]+)`", row)

        assert len(paths) == 8
        assert views.UnknownView not in [view_of(path) for path in paths]

    def test_the_one_that_is_not_offered_says_so(self) -> None:
        assert "**`/Me`.**" in (ROOT / "docs" / "behavior.md").read_text()
        assert view_of("/Me") is views.MeView

    def test_the_state_of_each_section_is_what_the_server_says(self) -> None:
        config = discovery.service_provider_config("https://example.com")
        states = {row[0]: row[1] for row in table_rows(PROTOCOL, "section")}
        features = {
            "3.4.2.2 Filtering": "filter",
            "3.4.2.3 Sorting": "sort",
            "3.5.2 PATCH": "patch",
            "3.7 Bulk": "bulk",
            "3.14 ETags": "etag",
        }

        assert set(states.values()) == {"supported", "not offered"}
        for section, feature in features.items():
            assert (states[section] == "supported") is config[feature]["supported"], section


def scim_types() -> Iterator[tuple[int, str]]:
    """Return the status and scimType of each ScimError that the code creates with both."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Name("ScimError"),
                    args=[ast.Constant(int(status)), _, ast.Constant(str(scim_type))],
                ):
                    yield status, scim_type


class TestProtocol:
    def test_the_limits_are_those_of_the_code(self) -> None:
        rows = table_rows(PROTOCOL, "what")
        assert all(len(row) == 3 and row[2].endswith(".") for row in rows)
        assert [row[:2] for row in rows] == [
            ["Body of a request", f"{parsers.MAX_BODY_BYTES // 2**20} MiB"],
            ["Values in a body", str(parsers.MAX_VALUES)],
            ["Names in an object of a body", str(parsers.MAX_NAMES)],
            ["Levels of objects and arrays in a body", str(parsers.MAX_DEPTH)],
            ["Characters of a text", str(cleaning.MAX_TEXT)],
            [
                "Bytes of a resource as JSON, without members",
                str(cleaning.MAX_RESOURCE_BYTES),
            ],
            ["Values of an attribute, but for members", str(cleaning.MAX_ELEMENTS)],
            ["Members in a request", str(budget.MAX_MEMBERS)],
            ["New members in a request", str(budget.MAX_ADDED_MEMBERS)],
            [
                "Members that come and go in a request, in a group that gives a role",
                str(budget.MAX_ROLE_CHANGES),
            ],
            ["Operations in a PATCH", str(budget.MAX_OPERATIONS)],
            ["Comparisons in all paths of a PATCH", str(budget.MAX_COMPARISONS)],
            ["Values that a PATCH looks at", str(patch.MAX_LOOKS)],
            ["Members that a PATCH looks at", str(member_changes.MAX_LOOKS)],
            ["Operations in a bulk request", str(bulk.MAX_OPERATIONS)],
            [
                "Changes of members in a bulk request",
                str(budget.MAX_STEPS // budget.STEPS_OF_MEMBER),
            ],
            ["Names in `attributes` and in `excludedAttributes`", str(selection.MAX_NAMES)],
            ["Characters in a filter", str(grammar.MAX_LENGTH)],
            ["Comparisons in a filter", str(grammar.MAX_CLAUSES)],
            ["Levels of brackets in a filter", str(grammar.MAX_DEPTH)],
            ["Time for a statement of a search", f"{search_time.SECONDS} second"],
            ["Resources on a page", "`TILED_SCIM_MAX_PAGE_SIZE`"],
            ["Members on a page of several groups", str(rows_of_resources.MAX_MEMBERSHIPS)],
            ["Groups of all users on a page", str(rows_of_resources.MAX_MEMBERSHIPS)],
            [
                "Characters of `If-Match` and `If-None-Match`, and of a `version`",
                str(etags.MAX_LENGTH),
            ],
            ["Characters of a `path` and a `bulkId`", str(bulk.MAX_REPEATED)],
            ["Numbers", f"{numbers.LARGEST_INTEGER.bit_length() + 1} bits"],
            ["Age of a cursor", f"{pages.CURSOR_TIMEOUT} seconds"],
        ]

    def test_every_scim_type_is_told_of_with_its_status(self) -> None:
        documented = {
            (int(status), plain(scim_type))
            for status, scim_type, _ in table_rows(PROTOCOL, "status")
            if scim_type
        }
        assert documented == set(scim_types())
        assert documented >= {(errors.no_target("").status, "noTarget")}

    def test_the_extension_is_named_as_it_is_in_the_table(self) -> None:
        for document in (ROOT / "docs" / "okta.md", PROTOCOL):
            urns = re.findall(r"urn:[\w.:]*extension:tiled[\w.:]*", document.read_text())
            assert {urn.removesuffix(":tiledAdmin") for urn in urns} == {TILED_USER}


def package_modules() -> dict[str, Path]:
    """Return the modules of the package by path."""
    paths = {path.relative_to(PACKAGE).as_posix(): path for path in PACKAGE.rglob("*.py")}
    return {
        name: path
        for name, path in paths.items()
        if path.name != "__init__.py" and not name.startswith("migrations/")
    }


def section(title: str) -> str:
    """Return a section of the design, without its heading."""
    return DESIGN.read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def documented_modules() -> list[str]:
    """Return the modules in the tables of the section "Packages" of the design."""
    tables = section("Packages").split("| module | what it holds |\n")[1:]
    rows = (re.findall(r"^\| `(.*?)` \|", table, re.MULTILINE) for table in tables)
    return [name for names in rows for name in names]


def documented_functions() -> Iterator[tuple[str, str]]:
    """Return the module and the name of each function that a request passes in the design."""
    for module, functions, *_ in table_rows(DESIGN, "module | functions"):
        for name in re.findall(r"`(.+?)`", functions):
            yield plain(module), name


def defined_functions(path: Path) -> Iterator[str]:
    """Return the names of the functions and methods that a module defines."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        if isinstance(node, ast.ClassDef):
            methods = (item for item in node.body if isinstance(item, ast.FunctionDef))
            yield from (f"{node.name}.{method.name}" for method in methods)


def layers() -> list[set[str]]:
    """Return the layers of the import contract, from the top down."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    found = next(each["layers"] for each in contracts["contracts"] if "layers" in each)
    return [set(layer.split(" | ")) for layer in found]


class TestDesign:
    def test_every_module_is_in_the_tables_once(self) -> None:
        assert sorted(documented_modules()) == sorted(package_modules())

    def test_the_table_has_the_layers_of_the_contract(self) -> None:
        documented = [
            {plain(name).removesuffix("/").removesuffix(".py") for name in names.split(", ")}
            for names, _ in table_rows(DESIGN, "layer")
        ]

        assert documented == layers()

    def test_the_diagram_has_the_layers_of_the_contract(self) -> None:
        source = diagram("The layers of the package").source
        boxes = dict(re.findall(r'(\w+)\["`\*\*[^*]+\*\*\n(.*?)`"\]', source, re.DOTALL))
        arrows = re.findall(r"^ *(\w+ --> .*)$", source, re.MULTILINE)
        chain, *beside = [line.split(" --> ") for line in arrows]

        lines = [line.strip() for name in chain for line in boxes[name].splitlines()]
        assert [set(line.split(" · ")) for line in lines] == layers()
        assert beside == [[chain[0], "check"]]
        assert boxes.keys() == {*chain, "check"}

    def test_the_diagram_of_a_request_agrees_with_the_table(self) -> None:
        source = diagram("A PATCH that adds a member to a group").source.replace("<br>", "")
        modules = dict(re.findall(r"participant (\w+) as (\S+\.py)$", source, re.MULTILINE))
        calls = re.findall(r"->>(\w+): (\w+)$", source, re.MULTILINE)
        functions = [(module, name.rpartition(".")[2]) for module, name in documented_functions()]

        assert {(modules[name], function) for name, function in calls} <= {*functions}
        passed = dict.fromkeys(module for module, _function in functions)
        assert [module for module in passed if module in modules.values()] == [*modules.values()]

    @pytest.mark.parametrize(("module", "name"), [*documented_functions()])
    def test_the_functions_that_a_request_passes_are_there(self, module: str, name: str) -> None:
        assert name in defined_functions(package_modules()[module])

    @every_document
    def test_modules_in_passing_are_there(self, document: Path) -> None:
        named = set(re.findall(r"`(?:tiled_scim/)?([a-z_/]+\.py)`", document.read_text()))
        others = {*named_blocks(README), *named_blocks(GUIDE), *named_blocks(document)}
        outside = ("tests/", "example_project/", "docs/")
        files = {name for name in named if name.startswith(outside) and (ROOT / name).is_file()}

        # `startproject` makes the files of the project.
        others |= {"product/settings.py", "product/urls.py"}
        assert named - files <= package_modules().keys() | others


@pytest.mark.parametrize("drawn", [*diagrams()], ids=lambda each: each.image.stem)
def test_the_image_of_a_diagram_is_up_to_date(drawn: Diagram) -> None:
    assert drawn.image.read_text().endswith(drawn.mark), "Run make images."


@every_document
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", document.read_text()):
        if not target.startswith("https://"):
            assert (document.parent / target).exists(), target


def test_the_readme_leads_to_every_document() -> None:
    linked = re.findall(r"\]\((docs/[^)#]+\.md)", README.read_text())
    pages = {path for path in DOCUMENTS if path.parent == ROOT / "docs"}

    # On GitHub, the README takes the place of the site's first page.
    assert {ROOT / path for path in linked} == pages - {ROOT / "docs" / "index.md"}


def test_the_readme_is_a_front_page() -> None:
    assert len(README.read_text().splitlines()) < 150


def measured(operation: str) -> list[str]:
    """Return an operation's processor times, as ratios to the floor, without their spread."""
    rows = {row[0]: row[2:] for row in table_rows(PERFORMANCE, "operation | floor, ms")}
    return [cell.partition(" (")[0] for cell in rows[operation]]


def test_the_numbers_of_the_readme_are_those_that_were_measured() -> None:
    for operation, *times in table_rows(README, "operation"):
        assert times == measured(operation), operation


@pytest.mark.parametrize(
    ("question", "operation"),
    [
        ("GET of a user", "GET a user"),
        ("one member added to 10,000", "add one member to 10,000"),
        ("POST of a user", "POST a user"),
    ],
)
def test_the_numbers_of_the_comparison_are_those_that_were_measured(
    question: str, operation: str
) -> None:
    rows = {row[0]: row[1:4] for row in table_rows(COMPARISON, "question")}
    times = [re.findall(r"[\d.,]*\d", cell)[0] for cell in rows[f"Processor time, {question}"]]

    assert times == measured(operation)
