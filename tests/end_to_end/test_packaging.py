"""What a host gets that installs the package: the whole of it, and nothing else."""

import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "tiled_scim"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]


def built(target: str, folder: Path) -> Path:
    """Build a wheel or an sdist, and return its path."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return next(folder.iterdir())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return zipfile.ZipFile(built("wheel", tmp_path_factory.mktemp("wheel")))


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return Parser().parsestr(wheel.read(name).decode())


def test_the_wheel_holds_every_file_of_the_package_and_no_other(wheel: zipfile.ZipFile) -> None:
    caches = re.compile(r"/(__pycache__|\.\w+_cache)/")
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    written = {path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*") if path.is_file()}

    assert packed == {name for name in written if not caches.search(name)}


@pytest.mark.parametrize(
    "pattern",
    [
        "py.typed",
        "locale/*/LC_MESSAGES/django.mo",
        "migrations/0001_initial.py",
        "templates/**/*.html",
        "static/**/*.css",
        "static/**/*.js",
        "management/commands/*.py",
    ],
)
def test_what_is_not_imported_is_in_the_wheel(wheel: zipfile.ZipFile, pattern: str) -> None:
    written = {path.relative_to(ROOT).as_posix() for path in PACKAGE.glob(pattern)}

    assert written
    assert written <= set(wheel.namelist())


def test_no_test_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    folders = {name.partition("/")[0] for name in wheel.namelist()}

    assert folders == {"tiled_scim", f"tiled_scim-{PROJECT['version']}.dist-info"}
    assert [name for name in wheel.namelist() if "test" in name] == []


def test_every_folder_of_code_is_a_package() -> None:
    folders = {path.parent for path in PACKAGE.rglob("*.py")}

    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_the_source_has_what_its_tests_and_its_documentation_need(tmp_path: Path) -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "tarfile", "--list", built("sdist", tmp_path)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    names = {line.partition("/")[2].strip() for line in listed.splitlines()}

    documentation = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")}
    root = {"CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "SECURITY.md"}
    assert documentation | root | {"manage.py", "mkdocs.yml", "tox.ini", "docs/hooks.py"} <= names
    assert "tests/end_to_end/test_packaging.py" in names
    assert not [name for name in names if name.startswith(("site/", ".venv", "tests/browser/node"))]


def without_targets(markdown: str) -> str:
    """Leave out where links lead to: the wheel has other targets."""
    return re.sub(r"\]\(.*?\)", "]()", markdown)


def test_the_readme_and_the_licence_go_along(wheel: zipfile.ZipFile, metadata: Message) -> None:
    readme = (ROOT / "README.md").read_text()
    licence = next(name for name in wheel.namelist() if name.endswith("licenses/LICENSE"))
    published = str(metadata.get_payload())

    assert (
        re.sub(r"\]\(.*?\)", "]()", published).strip()
        == re.sub(r"\]\(.*?\)", "]()", readme).strip()
    )
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert wheel.read(licence).startswith(b"MIT License")
    assert metadata["License-Expression"] == "MIT"


def test_links_of_the_readme_work_outside_of_the_repository(metadata: Message) -> None:
    links = re.findall(r"\]\((.*?)\)", str(metadata.get_payload()))
    source = PROJECT["urls"]["Source"]
    raw = source.replace("//github.com/", "//raw.githubusercontent.com/")

    assert links
    assert [each for each in links if not each.startswith((f"{source}/blob/main/", raw))] == []


def test_the_project_says_where_it_is(metadata: Message) -> None:
    urls = dict(each.split(", ", 1) for each in metadata.get_all("Project-URL", []))
    site = (ROOT / "mkdocs.yml").read_text()

    assert urls.keys() == {"Homepage", "Documentation", "Changelog", "Issues", "Source"}
    assert f"site_url: {urls['Documentation']}\n" in site
    assert f"repo_url: {urls['Source']}\n" in site


def test_the_classifiers_are_those_of_what_is_tested(metadata: Message) -> None:
    classified = metadata.get_all("Classifier", [])
    djangos = re.findall(r"^    django(\d)(\d):", (ROOT / "tox.ini").read_text(), re.MULTILINE)
    minor = metadata["Requires-Python"].removeprefix(">=3.")

    assert {f"Framework :: Django :: {major}.{minor}" for major, minor in djangos} == {
        each for each in classified if each.startswith("Framework :: Django :: ")
    }
    assert f"Programming Language :: Python :: 3.{minor}" in classified
    assert f"Programming Language :: Python :: 3.{int(minor) - 1}" not in classified
    assert "Typing :: Typed" in classified


def test_the_matrix_of_github_has_each_environment_of_tox() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "matrix.yml").read_text())
    listed = workflow["jobs"]["versions"]["strategy"]["matrix"]["include"]
    tried = [each["environment"] for each in listed]

    assert sorted(tried) == sorted([*environments_of_tox(), "lowest"])
    for each in listed:
        python = each["python"].replace(".", "")
        assert each["environment"].startswith((f"py{python}-", "lowest"))


def environments_of_tox() -> Iterator[str]:
    """Yield the environments of tox.ini that name a Python and a Django."""
    for line in (ROOT / "tox.ini").read_text().splitlines():
        if line.startswith("    py3"):
            yield from expanded(line.strip())


def expanded(text: str) -> Iterator[str]:
    """Yield what a text with choices in braces stands for: `py3{11,12}` is py311 and py312."""
    before, brace, rest = text.partition("{")
    choices, _, after = rest.partition("}")
    for choice in choices.split(","):
        yield from expanded(before + choice + after) if brace else [text]


def test_the_name_and_the_version_are_those_of_the_project(metadata: Message) -> None:
    assert metadata["Name"] == "tiled-scim"
    assert metadata["Version"] == PROJECT["version"]


def test_a_host_gets_five_dependencies_each_within_bounds(metadata: Message) -> None:
    required = [
        requirement
        for requirement in metadata.get_all("Requires-Dist", [])
        if "extra ==" not in requirement
    ]

    assert len(required) == 5
    assert all("<" in requirement or "==" in requirement for requirement in required)


def test_a_host_can_install_four_extras_and_no_tools_of_developers(metadata: Message) -> None:
    extras = metadata.get_all("Provides-Extra", [])

    assert sorted(extras) == ["federation", "mysql", "openapi", "postgresql"]
    assert not {*extras} & {*PYPROJECT["dependency-groups"]}


def test_each_extra_is_documented() -> None:
    page = (ROOT / "docs" / "installation.md").read_text()
    documented = re.findall(r"^\| `tiled-scim\[(\w+)\]` \|", page, re.MULTILINE)

    assert sorted(documented) == sorted(PROJECT["optional-dependencies"])


def test_the_lowest_versions_tried_are_the_lower_bounds() -> None:
    extras = PROJECT["optional-dependencies"]
    bounds = [*PROJECT["dependencies"], *extras["federation"], *extras["openapi"]]
    lowest = [re.sub(r"(>=|==)([\d.]*\d).*", r"==\2", bound) for bound in bounds]

    assert PYPROJECT["dependency-groups"]["lowest"] == lowest


HOST = """
import django
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.urls import include, path

settings.configure(
    ALLOWED_HOSTS=["testserver"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "tiled_scim",
    ],
    ROOT_URLCONF=__name__,
    SECRET_KEY="of a test",
)
django.setup()
urlpatterns = [path("scim/v2/", include("tiled_scim.urls"))]

import tiled_scim
from tiled_scim.connections import Actor, Connection

call_command("migrate", verbosity=0)
plaintext = Connection().generate(Actor("Test")).plaintext
response = Client().get("/scim/v2/Users", headers={"Authorization": f"Bearer {plaintext}"})
print(tiled_scim.__file__)
print(response.status_code, response.json()["totalResults"])
"""


def test_the_wheel_serves_in_a_bare_host_without_any_setting(
    wheel: zipfile.ZipFile, tmp_path: Path
) -> None:
    wheel.extractall(tmp_path)
    (tmp_path / "host.py").write_text(HOST)

    result = subprocess.run(
        [sys.executable, "-W", "error", "host.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.stderr == ""
    assert result.stdout.splitlines() == [str(tmp_path / "tiled_scim" / "__init__.py"), "200 0"]
