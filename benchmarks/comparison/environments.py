"""An environment for each server from PyPI, made once."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Callable
from importlib.metadata import version

from .servers import ROOT, BenchmarkError
from .subjects import Subject

FOLDER = ROOT / ".venv-bench"
# What every server runs on, in the versions that `tiled_scim` has here.
SHARED = ("django", "psycopg", "psycopg-binary", "gunicorn", "whitenoise", "dj-database-url")


def python_of(subject: Subject, say: Callable[[str], None]) -> str:
    """The Python of a subject's environment, which is made if it is not there.

    Raises:
        BenchmarkError: the subject cannot be installed.
    """
    if not subject.distribution:
        return sys.executable
    folder = FOLDER / subject.name
    python = folder / "bin" / "python"
    wanted = [f"{name}=={version(name)}" for name in SHARED]
    stamp = folder / "installed.txt"
    content = "\n".join([*wanted, sys.version])
    if stamp.exists() and stamp.read_text() == content:
        return str(python)
    say(f"installing {subject.distribution}")
    venv.create(folder, clear=True, with_pip=True)
    # A peer may want an older Django than is here; then it gets the newest that it takes.
    if not (
        _install(str(python), *wanted, subject.distribution)
        or _install(str(python), *wanted[1:], subject.distribution)
    ):
        raise BenchmarkError(f"{subject.distribution} cannot be installed.")
    stamp.write_text(content)
    return str(python)


def versions_of(subject: Subject) -> str:
    """A subject's version, and that of Django in its environment."""
    names = [subject.distribution or "tiled-scim", "django"]
    code = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    command = [python_of(subject, print), "-c", code, *names]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    own, of_django = done.stdout.split()
    return f"{own} on Django {of_django}" if subject.distribution else f"Django {of_django}"


def _install(python: str, *requirements: str) -> bool:
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return subprocess.run([*command, *requirements], check=False).returncode == 0
