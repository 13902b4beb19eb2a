"""Follow a tutorial word for word: write its files, and run its commands, in its order.

`python -m tests.documented.follow docs/tutorial.md` prints the tutorial as a script for bash, with
its step "Install". The tests leave that step out, and run the rest with the Python of the tests.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.documented.pages import OF_THIS_RUN, ROOT

TUTORIALS = tuple(ROOT / "docs" / name for name in ("tutorial.md", "tutorial-accounts.md"))
PORT = "8000"
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
    inherited = {name: os.environ[name] for name in os.environ if name not in OF_THIS_RUN}
    for name in ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "SCIM_TOKEN"):
        inherited.pop(name, None)
    own = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "error",
    }
    process = subprocess.Popen(
        [shutil.which("bash") or "bash", "-c", script(page, installs=False, port=port)],
        cwd=folder,
        env=inherited | own,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate(timeout=180)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, printed
    return printed


if __name__ == "__main__":
    sys.stdout.write(script(Path(sys.argv[1]), installs=True))
