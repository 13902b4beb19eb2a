"""The images of docs/: screenshots of the example project, and diagrams (`make images`)."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.documented.diagrams import diagrams
from tests.end_to_end.demo_process import ROOT
from tiled_scim.provider_check.client import OktaClient

from .example import Example, open_settings
from .looks import LIGHT, Look, Visit
from .people import action, add_client, generate, push_directory

# What draws the diagrams. Nothing else needs it, so it is not installed with axe-core.
MERMAID = "mermaid@11.17.2"
# Draws a diagram as an image, with a size of its own.
DRAW = """async source => {
    mermaid.initialize({theme: "neutral", htmlLabels: false, deterministicIds: true});
    const {svg} = await mermaid.render("diagram", source);
    const image = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
    const {width, height} = image.viewBox.baseVal;
    image.setAttribute("width", width);
    image.setAttribute("height", height);
    image.style.background = "white";
    return new XMLSerializer().serializeToString(image);
}"""

IMAGES = ROOT / "docs" / "images"
TAKEN = (
    "no-token",
    "new-token",
    "connected",
    "replace-token",
    "add-federation",
    "new-client",
    "client",
    "setup-links",
)

# What is new with every run, and what stands for it in the documentation.
EXAMPLES = {
    "#base-url": "field => field.value = 'https://tiled.example.com/scim/v2'",
    "#new-token": "field => field.value = 'tscim_Example0Token0Which0Opens0Nothing0At0All01k7Qm'",
    "#new-link": "field => field.value = 'https://tiled.example.com/accounts/1/settings/scim/"
    "setup/open/#tscimsetup_Example0Link:signed'",
    "#client-id": "field => field.value = '00000000-0000-4000-8000-000000000000'",
    "#client-secret": "field => field.value = 'tscimsecret_Example0Secret0Which0Opens0Nothing0'",
    "#token-url": "field => field.value = 'https://tiled.example.com/scim/v2/oauth/token'",
    "#scim-url": "field => field.value = 'https://tiled.example.com/scim/v2'",
    ".help code": "code => code.textContent = '00000000-0000-4000-8000-000000000000'",
    "#client-secret-help": "help => help.textContent = 'Valid until March 1, 2028, 9:14 a.m.'",
    "dd code": "code => code.textContent = 'k7Qm'",
    "h3 code": "code => code.textContent = 'k7Qm'",
    'summary:has-text("Revoke secret")': "summary => summary.textContent = 'Revoke secret k7Qm'",
    "dd time": "time => time.textContent = 'March 2, 2026, 9:14 a.m.'",
    'dt:text-is("Expires") + dd time': "time => time.textContent = 'March 1, 2028, 9:14 a.m.'",
}


def test_screenshots(example: Example, visit: Visit, screenshots: Path | None) -> None:
    look = Look(visit, screenshots, [LIGHT])

    def take(page: Page, name: str) -> None:
        assert name in TAKEN
        for selector, put in EXAMPLES.items():
            for element in page.locator(selector).all():
                element.evaluate(put)
        look.inspect(page, name)

    page = example.sign_up(visit, "Initech", "bill.lumbergh@initech.example")
    open_settings(page)
    take(page, "no-token")
    token = generate(page)
    take(page, "new-token")

    push_directory(OktaClient(f"{example.url}/scim/v2", token))
    open_settings(page)
    take(page, "connected")
    action(page, "Replace token").locator("summary").click()
    expect(action(page, "Replace token").get_by_role("button")).to_be_visible()
    take(page, "replace-token")
    page.get_by_role("link", name="OAuth clients").first.click()
    action(page, "Add a client with a federation").locator("summary").click()
    take(page, "add-federation")
    page.reload()
    add_client(page)
    take(page, "new-client")
    page.get_by_role("link", name="I have copied it").click()
    page.get_by_role("link", name="Entra ID").click()
    take(page, "client")
    page.get_by_role("link", name="Setup links").first.click()
    page.get_by_role("button", name="Create a setup link").click()
    expect(page.locator("#new-link")).to_be_visible()
    take(page, "setup-links")


def test_the_documentation_has_no_other_screenshots() -> None:
    images = {path.stem for path in IMAGES.glob("*.png") if not path.stem.startswith("benchmark")}
    pages = "".join(page.read_text() for page in (ROOT / "docs").glob("*.md"))

    assert images == set(TAKEN)
    assert [name for name in TAKEN if f"(images/{name}.png)" not in pages] == []


def test_diagrams(chromium: Browser, screenshots: Path | None, tmp_path: Path) -> None:
    if screenshots is None:
        pytest.skip("only `make images` draws the diagrams")
    page = chromium.new_page()
    page.add_script_tag(content=_mermaid(tmp_path))

    for each in diagrams():
        each.image.write_text(page.evaluate(DRAW, each.source) + each.mark)
    page.close()


def _mermaid(folder: Path) -> str:
    """Return the script that draws diagrams, from npm."""
    subprocess.run(["npm", "pack", MERMAID, "--silent"], cwd=folder, check=True)  # noqa: S607 (npm is where PATH has it)
    (package,) = folder.glob("mermaid-*.tgz")
    with tarfile.open(package) as files:
        script = files.extractfile("package/dist/mermaid.min.js")
        assert script is not None
        return script.read().decode()
