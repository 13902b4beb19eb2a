"""Tries mutants in forks of one process, as a plugin of pytest."""

from __future__ import annotations

import argparse
import gc
import mmap
import os
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import groupby, takewhile
from pathlib import Path
from types import CodeType, FunctionType
from typing import cast

import pytest
from coverage import Coverage
from django.db import connections
from django.urls import get_resolver

from mutation.caches import forget
from mutation.mutants import Mutant, mutants_of

# What one test may take, of the processor and in all. With a mutant that takes more, it never ends.
CPU_SECONDS, SECONDS = 20, 600
# Of the id of a test, in bytes.
NAME_LENGTH = 1000

Tests = dict[tuple[Path, int], set[str]]


def main() -> int:
    parser = argparse.ArgumentParser("python -m mutation")
    parser.add_argument("paths", nargs="+", type=Path, help="modules, or folders of them")
    parser.add_argument("--share", type=float, default=1, help="the share of the mutants to try")
    parser.add_argument("--seconds", type=float, default=5, help="of the processor for each")
    parser.add_argument("--again", type=Path, help="try only the mutants in this output")
    parser.add_argument("--first", default="", help="names of files of tests, to begin with these")
    options, others = parser.parse_known_args()
    found = (path.rglob("*.py") if path.is_dir() else [path] for path in options.paths)
    modules = sorted(module.resolve() for each in found for module in each)
    mutants = [mutant for module in modules for mutant in mutants_of(module, options.share)]
    if options.again:
        output = options.again.read_text()
        mutants = [mutant for mutant in mutants if str(mutant) in output]
    tests = _tests(modules)
    files = sorted({name.partition("::")[0] for names in tests.values() for name in names})
    plugin = Mutation(mutants, tests, options.seconds, set(options.first.split()))
    return pytest.main(["-p", "no:cacheprovider", "-p", "no:randomly", *others, *files], [plugin])


def _tests(modules: Iterable[Path]) -> Tests:
    """Read which tests execute a line: `pytest --cov --cov-context=test` has noted it."""
    coverage = Coverage()
    coverage.load()
    return {
        (module, line): {context.rpartition("|")[0] for context in contexts if context}
        for module in modules
        for line, contexts in coverage.get_data().contexts_by_lineno(str(module)).items()
    }


class Mutation:
    """Tries each mutant, instead of running each test once."""

    def __init__(
        self, mutants: list[Mutant], tests: Tests, seconds: float, first: set[str]
    ) -> None:
        self.mutants, self.tests, self.seconds, self.first = mutants, tests, seconds, first
        self.is_fork = False
        self.failed = mmap.mmap(-1, NAME_LENGTH)  # a fork writes there which test has failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try all mutants, and print those that no test notices."""
        self.items = self._in_order(session.items)
        _run(session.items[0])  # makes the database, and each fork has a copy
        connections.close_all()  # so that each fork opens its own, where a server has the database
        forget()  # since a mutant may change what the caches would keep
        get_resolver().reverse_dict  # noqa: B018 (imports all views, which takes a second)
        self.functions = _live_functions()
        gc.freeze()
        for package, mutants in groupby(self.mutants, lambda mutant: mutant.path.parent):
            outcomes = Counter(map(self._outcome, mutants))
            print(f"{package.name}:", *(f"{outcomes[each]} {each}" for each in sorted(outcomes)))
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """End a fork at the first test that fails."""
        if self.is_fork and report.failed:
            self.failed[:] = report.nodeid.encode()[:NAME_LENGTH].ljust(NAME_LENGTH)
            os._exit(1)

    def _in_order(self, items: Iterable[pytest.Item]) -> dict[str, pytest.Item]:
        """Begin with fast tests, and those of the layer. Take turns between their files."""
        lines = Counter(name for names in self.tests.values() for name in names)
        layers = {module.parent.name for module, _ in self.tests}
        turns: defaultdict[Path, int] = defaultdict(int)
        ranked = []
        for item in sorted(items, key=lambda item: lines[item.nodeid]):
            is_far = item.path.parent.name not in layers and item.path.stem not in self.first
            ranked.append((_slowness(item), is_far, turns[item.path], item))
            turns[item.path] += 1
        return {item.nodeid: item for *_, item in sorted(ranked, key=lambda rank: rank[:3])}

    def _outcome(self, mutant: Mutant) -> str:
        names = set().union(*(self.tests.get((mutant.path, line), ()) for line in mutant.lines))
        items = [item for name, item in self.items.items() if name in names]
        outcome = self._outcome_of(mutant, items) if items else "not covered"
        if outcome in {"survived", "not covered"}:
            print(f"{outcome}: {mutant}", flush=True)
        return outcome

    def _outcome_of(self, mutant: Mutant, items: list[pytest.Item]) -> str:
        fork = os.fork()
        if fork == 0:
            self._try(mutant, items)
        _, status = os.waitpid(fork, 0)
        self._begin_with(self.failed[:].decode(errors="ignore").rstrip())
        if os.WIFSIGNALED(status):
            return "timed out"
        return "killed" if os.WEXITSTATUS(status) else "survived"

    def _begin_with(self, name: str) -> None:
        """Let the test be the first one for the next mutants, which it often kills, too."""
        if name in self.items:
            self.items = {name: self.items[name], **self.items}

    def _try(self, mutant: Mutant, items: list[pytest.Item]) -> None:
        """Change the functions, run the tests, and end the fork."""
        self.is_fork, status = True, 1
        try:
            items[0].config.pluginmanager.unregister(name="terminalreporter")
            for before, after in mutant.functions:
                for function in self.functions[_place(before)]:
                    function.__code__ = after
            for item in takewhile(lambda _: time.process_time() < self.seconds, items):
                signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
                signal.alarm(SECONDS)
                _run(item)
            status = 0
        finally:
            os._exit(status)


def _run(item: pytest.Item) -> None:
    """Run a test, and end its fixtures: all but those of the session."""
    item.ihook.pytest_runtest_protocol(item=item, nextitem=cast(pytest.Item, item.session))


def _slowness(item: pytest.Item) -> int:
    """Return 2 for a test with many examples, 1 for one with a database, 0 for another one."""
    if item.get_closest_marker("hypothesis"):
        return 2
    fixtures = cast(list[str], getattr(item, "fixturenames", []))
    return int("db" in fixtures or item.get_closest_marker("django_db") is not None)


def _live_functions() -> defaultdict[tuple[str, str, int], list[FunctionType]]:
    functions = defaultdict(list)
    for each in gc.get_objects():
        # Unlike `isinstance`, this loads no lazy object, such as an admin site that is not there.
        if type(each) is FunctionType:
            functions[_place(each.__code__)].append(each)
    return functions


def _place(code: CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


if __name__ == "__main__":
    sys.exit(main())
