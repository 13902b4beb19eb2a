"""Follow a tutorial word for word: write its files, and run its commands, in its order.

The tests leave its step "Install" out, and run the rest with the Python of the tests.
`python -m tests.documented.follow` does every step of all tutorials as a newcomer: it builds the
wheel, and starts in an empty folder, which knows nothing of the checkout (`tox -e tutorial`).
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.documented.pages import OF_THIS_RUN, ROOT

TUTORIALS = tuple(ROOT / "docs" / name for name in ("tutorial.md", "tutorial-accounts.md"))
PORT = "8000"
MOST_SECONDS = 300
BLOCK = re.compile(
    r"(?:^(?P<appended>At the end of )?`(?P<file>[\w./-]+)`:?\n\n)?"
    r"^```(?P<language>\w+)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
# Fails with the step that failed. The server ends with the script.
PREAMBLE = """\
set -euo pipefail
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
is_open() { (exec 3<>/dev/tcp/127.0.0.1/$1) 2>/dev/null; }
"""
SERVER = """\
{command} --noreload >server.log 2>&1 &
for attempt in $(seq 300); do is_open {port} && break; sleep 0.1; done
"""


@dataclass(frozen=True)
class Block:
    """A block of a tutorial: a file, commands, or the output of the commands before.

    Args:
        section: The heading above.
        file: The file's name if the block is a file or the end of one, else empty.
        is_appended: Whether the block is the end of a file that exists.
    """

    section: str
    language: str
    code: str
    file: str
    is_appended: bool

    @property
    def script(self) -> str:
        """Return the lines of bash that do what the block says."""
        if self.file:
            # Python writes the file at once, however the code quotes.
            redirection = ">>" if self.is_appended else ">"
            return f"cat {redirection}{self.file} <<'END OF FILE'\n{self.code}END OF FILE\n"
        if self.language != "console":
            return ""
        if "runserver" in self.code:
            return SERVER.format(command=self.code.strip(), port=PORT)
        return self.code


def blocks(page: Path) -> Iterator[Block]:
    """Return the blocks of a tutorial, in order."""
    for section in re.split(r"^## ", page.read_text(), flags=re.MULTILINE)[1:]:
        heading = section.partition("\n")[0]
        for found in BLOCK.finditer(section):
            yield Block(
                heading,
                found["language"],
                found["code"],
                found["file"] or "",
                found["appended"] is not None,
            )


def expected_output(page: Path) -> list[str]:
    """Return what the tutorial says that its commands print."""
    return [block.code for block in blocks(page) if block.language == "text"]


def script(page: Path, *, installs: bool, port: str = PORT) -> str:
    """Return a tutorial as a script for bash.

    Args:
        installs: Whether to do the steps that make an environment and activate it.
        port: The port of the tutorial's server, which has to be free.
    """
    parts = [PREAMBLE]
    for block in blocks(page):
        if block.section.startswith("1. Install") and not installs:
            continue
        lines = block.script if installs else re.sub(r"^\. .*activate\n", "", block.script)
        parts.append(lines.replace(PORT, port))
    return "".join(parts)


def follow(page: Path, folder: Path, port: str) -> str:
    """Follow a tutorial with this Python and this package; return what it printed.

    It must not fail, nor may Python warn.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    own = {"PATH": path, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    return _run(script(page, installs=False, port=port), folder, own)


def follow_as_newcomer(page: Path, folder: Path, wheels: Path, port: str) -> str:
    """Follow a tutorial with all of its steps; return what it printed.

    Args:
        wheels: The folder with the wheel of this package, which pip installs.
    """
    own = {"PIP_FIND_LINKS": str(wheels), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return _run(script(page, installs=True, port=port), folder, own)


def free_port() -> str:
    """Return a port that nothing uses now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


def _run(commands: str, folder: Path, own: dict[str, str]) -> str:
    """Run a script with these variables of the environment; it must not fail."""
    hidden = {*OF_THIS_RUN, "DJANGO_SETTINGS_MODULE", "DATABASE_URL", "SCIM_TOKEN", "PYTHONPATH"}
    inherited = {name: os.environ[name] for name in os.environ if name not in hidden}
    process = subprocess.Popen(
        [shutil.which("bash") or "bash", "-c", commands],
        cwd=folder,
        env=inherited | own,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate(timeout=MOST_SECONDS)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, printed
    return printed


def check(page: Path, printed: str) -> None:
    """Raise an AssertionError if a tutorial did not print what it says."""
    assert "The server is ready for Okta" in printed, printed
    for output in expected_output(page):
        assert output in printed, printed


def main() -> None:
    """Follow all tutorials as a newcomer."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory"]
    with TemporaryDirectory() as wheels:
        subprocess.run([*build, wheels], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        for page in TUTORIALS:
            with TemporaryDirectory() as folder:
                printed = follow_as_newcomer(page, Path(folder), Path(wheels), free_port())
            check(page, printed)
            sys.stdout.write(f"{page.name}: each step works.\n")


if __name__ == "__main__":
    main()
