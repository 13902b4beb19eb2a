"""Tests that the code in docs/ runs that is no complete example."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.template import Context, Engine

from tests.documented.follow import TUTORIALS
from tests.documented.pages import (
    DOCUMENTS,
    INSTALLATION,
    ROOT,
    Host,
    code_blocks,
    named_blocks,
)

DOCS = ROOT / "docs"
GUIDE = DOCS / "host-adapter.md"
PAGES = DOCS / "configuration-pages.md"

# Which test runs the code of a page.
RUN_BY = {
    "README": "end_to_end/test_guides.py",
    "accounts": "hosts/company/test_roles.py",
    "configuration-pages": "documented/fragments.py",
    "connections": "documented/fragments.py",
    "cookbook": "end_to_end/test_cookbook.py",
    "extensions": "wire/test_extensions.py",
    "host-adapter": "end_to_end/test_guides.py",
    "installation": "end_to_end/test_guides.py",
    "operations": "documented/fragments.py",
    "protocol": "oauth/test_token_endpoint.py",
    "performance": "hosts/sharded/test_sharded.py",
    "runbooks": "hosts/company/test_runbooks.py",
    "signals": "test_signals.py",
    **{page.stem: "end_to_end/test_tutorials.py" for page in TUTORIALS},
}

MODELS = """
from django.conf import settings
from django.db import models


class Account(models.Model):
    name = models.CharField(max_length=100)
    slug = models.SlugField(unique=True)
    managers = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="managed")


class Domain(models.Model):
    account = models.ForeignKey(Account, models.CASCADE, related_name="domains")
    name = models.CharField(max_length=100, unique=True)


class Membership(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    account = models.ForeignKey(Account, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=[("member", "Member"), ("admin", "Admin")])
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "account"], name="one_each")]


class Project(models.Model):
    account = models.ForeignKey(Account, models.CASCADE, related_name="projects")
    name = models.CharField(max_length=200)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Participation")


class Participation(models.Model):
    project = models.ForeignKey(Project, models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    role = models.CharField(max_length=10)
"""
SETTINGS = """
INSTALLED_APPS = ["product", *INSTALLED_APPS, "tiled_scim"]
TILED_SCIM_LIBRARY_MODEL = "product.Project"
TILED_SCIM_MEMBERSHIP_MODEL = "product.Membership"
TILED_SCIM_MEMBERSHIP_DEFAULTS = {"role": "member"}
TILED_SCIM_HOST_ADAPTER = "product.pieces.Adapter"
"""
# The names that the pieces of docs/host-adapter.md take for granted.
IMPORTS = """
from tiled_scim.accounts import AccountAdapter
from tiled_scim.host import HostAdapter, chunks

from .models import Account as Organization, Domain
"""
ADAPTER = """

class Adapter(AccountAdapter):
    grant = RoleAdapter.grant
"""
LAYOUT = "<header>Product</header>{% block title %}{% endblock %}|{% block content %}{% endblock %}"


def piece(name: str) -> str:
    """Return the block of docs/host-adapter.md that defines a class."""
    return next(code for code in code_blocks(GUIDE, "python") if f"class {name}(" in code)


def block_with(page: Path, text: str) -> str:
    return next(code for code in code_blocks(page, "python") if text in code)


@pytest.mark.in_process
def test_the_pieces_run_in_a_host(tmp_path: Path) -> None:
    pages = named_blocks(PAGES)
    pieces = "".join(map(piece, ("RoleAdapter", "ManagedAdapter", "VerifiedAdapter")))
    settings = (
        SETTINGS
        + block_with(DOCS / "accounts.md", "TILED_SCIM_MEMBERSHIP_FIELDS").replace(
            '    "title": "job_title",\n', ""
        )
        + pages["settings.py"]
        + block_with(DOCS / "operations.md", "LOGGING")
    )
    urls = named_blocks(INSTALLATION)["urls.py"] + pages["urls.py"]
    templates = tmp_path / "product" / "templates" / "tiled_scim" / "configuration"
    templates.mkdir(parents=True)
    [base, _] = code_blocks(PAGES, "html")
    (templates / "base.html").write_text(base)
    (tmp_path / "product" / "templates" / "base.html").write_text(LAYOUT)
    host = Host(
        tmp_path,
        {
            "product/__init__.py": "",
            "product/models.py": MODELS,
            "product/scim.py": pages["product/scim.py"],
            "product/pieces.py": IMPORTS + pieces + ADAPTER,
            "settings.py": settings,
            "urls.py": urls,
        },
    )

    host.run_tests(ROOT / "tests" / "documented" / "fragments.py")


def test_a_base_template_may_name_its_blocks_otherwise() -> None:
    [_, mapped] = code_blocks(PAGES, "html")
    templates = {
        "layout.html": "{% block page_title %}{% endblock %}|{% block main %}{% endblock %}",
        "base.html": mapped,
        "page.html": '{% extends "base.html" %}{% block title %}SCIM{% endblock %}'
        "{% block content %}Connected{% endblock %}",
    }
    loaders = [("django.template.loaders.locmem.Loader", templates)]
    engine = Engine(loaders=loaders)

    assert engine.get_template("page.html").render(Context()).strip() == "SCIM|Connected"


def test_a_router_for_a_replica() -> None:
    names: dict[str, type] = {}
    exec(block_with(DOCS / "performance.md", "class ReplicaRouter"), names)  # noqa: S102 (code of our own documentation)
    router = names["ReplicaRouter"]()

    assert (router.db_for_read(None), router.db_for_write(None)) == ("replica", "default")


@pytest.mark.parametrize(
    "document",
    [each for each in DOCUMENTS if code_blocks(each, "python")],
    ids=lambda path: path.stem,
)
def test_the_code_of_each_page_has_a_test_that_runs_it(document: Path) -> None:
    runner = ROOT / "tests" / RUN_BY[document.stem]

    assert runner.is_file()


def test_the_only_other_blocks_are_read_by_tests_or_shown() -> None:
    languages = {
        (document.stem, language)
        for document in DOCUMENTS
        for language in re.findall(r"^```(\w+)$", document.read_text(), re.MULTILINE)
    }
    # `make scale-out` runs what is for nginx and PgBouncer. The stylesheet's variables have a test,
    # and the requests of the protocol are shapes of what the wire tests send.
    others = {
        ("operations", "nginx"),
        ("operations", "ini"),
        ("configuration-pages", "css"),
        ("protocol", "http"),
    }

    assert {language for page, language in languages - others} <= {
        "console",
        "html",
        "json",
        "mermaid",
        "python",
        "text",
    }
