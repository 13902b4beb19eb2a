"""Create an environment for each server from PyPI, once."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Callable
from importlib.metadata import version

from .servers import ROOT, BenchmarkError
from .subjects import Subject

FOLDER = ROOT / ".venv-bench"
# Packages that all servers use, in the versions that are installed for `tiled_scim`.
SHARED = ("django", "psycopg", "psycopg-binary", "gunicorn", "whitenoise", "dj-database-url")


def python_of(subject: Subject, say: Callable[[str], None]) -> str:
    """Return the Python of a subject's environment, after creating that if needed.

    Args:
        say: takes a message about the progress.

    Raises:
        BenchmarkError: the installation failed.
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
    # If a peer does not support the Django version that is installed here, pip chooses another one.
    if not (
        _install(str(python), *wanted, subject.distribution)
        or _install(str(python), *wanted[1:], subject.distribution)
    ):
        raise BenchmarkError(f"{subject.distribution} cannot be installed.")
    stamp.write_text(content)
    return str(python)


def versions_of(subject: Subject) -> str:
    """Return the versions of a subject and of Django in its environment."""
    names = [subject.distribution or "tiled-scim", "django"]
    code = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    command = [python_of(subject, print), "-c", code, *names]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    own, of_django = done.stdout.split()
    return f"{own} on Django {of_django}" if subject.distribution else f"Django {of_django}"


def _install(python: str, *requirements: str) -> bool:
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return subprocess.run([*command, *requirements], check=False).returncode == 0
