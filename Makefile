# Everything that a developer types. It needs make and Python 3.11 or newer, and makes the rest.

VENV := .venv
# The first of these that is new enough makes the environment: make PYTHON=python3.12 test
PYTHON := python3.14 python3.13 python3.12 python3.11 python3
PORT := 8000
# `make test QUICK=` tries all random examples, and all cases of tests that have many.
QUICK := --quick
# More arguments: make test ARGS="-k filter", make bench ARGS="--quick --only floor,tiled_scim"
ARGS :=
# Without bytecode, each process that the tests start would compile all modules again.
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export UV_COMPILE_BYTECODE := 1
export VIRTUAL_ENV := $(VENV)
# Requests that `make hostile` sends: 10000 the same ones every time, other numbers others.
CASES := 10000
# Where `make mutation` changes the code: a module, or a folder.
MODULE := tiled_scim/scim

# Whoever is done takes tests from the others: some take a hundred times as long as most.
PYTEST = $(VENV)/bin/pytest --numprocesses auto --maxprocesses 8 --dist worksteal

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo test end-to-end docs browser images hostile coverage resilience scale-out bench lint audit format types mutation clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/test $(VENV)/lint $(VENV)/docs ## Install what developers need, and the checks before commits
	@$(VENV)/bin/pre-commit install

demo: $(VENV)/test ## Start the example project with two customers in it (PORT=8000)
	@$(VENV)/bin/python manage.py demo --port $(PORT)

test: $(VENV)/test ## Run the tests (QUICK= tries all cases, ARGS="..." goes to pytest)
	@$(PYTEST) $(QUICK) $(ARGS)

end-to-end: $(VENV)/test ## Run the tests that start servers and other projects
	@$(PYTEST) tests/end_to_end $(ARGS)

docs: $(VENV)/test $(VENV)/docs ## Write the generated pages, and build the documentation in site/
	@$(VENV)/bin/python -m tests.documented.reference
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict

browser: $(VENV)/browser ## Run the tests in a browser (needs chromium and npm)
	@$(PYTEST) tests/browser $(ARGS)

images: $(VENV)/browser ## Take the screenshots of docs/ again (needs chromium and npm)
	@$(VENV)/bin/pytest tests/browser/test_documentation.py --screenshots docs/images $(ARGS)

hostile: $(VENV)/hostile ## Send slightly invalid requests (CASES=200000 sets their number)
	@CASES=$(CASES) $(PYTEST) tests/hostile $(ARGS)

coverage: $(VENV)/test ## Run the tests, and fail if the coverage of tiled_scim is too low
	@$(PYTEST) tests tests/end_to_end --cov --cov-report=term $(ARGS)

resilience: $(VENV)/test $(VENV)/postgresql $(VENV)/mysql ## Test load and faults on PostgreSQL, MariaDB and SQLite (ARGS=--short)
	@$(VENV)/bin/python -m resilience $(ARGS)

bench: $(VENV)/bench $(VENV)/postgresql ## Compare speed with a bare view and other servers (PostgreSQL; ARGS=--quick)
	@$(VENV)/bin/python -m benchmarks.comparison $(ARGS)

scale-out: $(VENV)/test $(VENV)/postgresql ## Test and measure two servers behind nginx and PgBouncer (ARGS=--short)
	@$(VENV)/bin/python -m resilience.scale_out $(ARGS)

lint: $(VENV)/lint ## Check style, format, import layers and safety
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/lint-imports
	@$(VENV)/bin/bandit --quiet --configfile pyproject.toml --recursive tiled_scim example_project

audit: $(VENV)/audit ## Check the dependencies for known vulnerabilities
	@$(VENV)/bin/pip-audit --strict --progress-spinner off .

format: $(VENV)/lint ## Format the code
	@$(VENV)/bin/ruff check --fix-only --quiet .
	@$(VENV)/bin/ruff format .

types: $(VENV)/browser $(VENV)/lint ## Check types
	@$(VENV)/bin/mypy

mutation: export COVERAGE_FILE = .coverage.mutation
mutation: $(VENV)/test $(VENV)/mutation ## Change the code, and print what no test notices (MODULE=tiled_scim/sql)
	@$(PYTEST) tests tests/end_to_end -p mutation.caches \
	  --cov=tiled_scim --cov-context=test --cov-report= --cov-fail-under=0
	@$(VENV)/bin/python -m mutation $(MODULE) $(ARGS)

clean: ## Remove the environment, the demo's database and what tools left
	@rm -rf $(VENV) .venv-bench .tox .hypothesis .mypy_cache .pytest_cache .ruff_cache dist htmlcov site
	@rm -rf tests/browser/node_modules docs/images/dark docs/images/phone
	@rm -f .coverage .coverage.* demo.sqlite3*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each group of dependencies and each driver of a database leaves a file in the environment: it is
# installed once, and again when pyproject.toml is newer. The other extras come with each group.
GROUPS := audit bench browser docs hostile lint mutation test tox
DRIVERS := mysql postgresql
$(GROUPS:%=$(VENV)/%): WANTED = --editable '.[federation,openapi]' --group $*
$(DRIVERS:%=$(VENV)/%): WANTED = --editable '.[$*]'
# uv is ten times as fast, and comes with tox.
PIP = $(or $(wildcard $(VENV)/bin/uv),$(VENV)/bin/python -m) pip install --quiet
$(GROUPS:%=$(VENV)/%) $(DRIVERS:%=$(VENV)/%): $(VENV)/%: pyproject.toml | $(VENV)/bin/python
	@echo "Installing tiled_scim and what '$*' needs: less than a minute, and only once."
	@$(PIP) 'pip>=25.1' # the first that knows groups
	@$(PIP) $(WANTED)
	@touch $@

$(VENV)/bin/python:
	@for python in $(PYTHON); do \
	  if $$python -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "Making $(VENV) with $$($$python --version)."; \
	    exec $$python -m venv $(VENV); \
	  fi; \
	done; \
	echo "tiled_scim needs Python 3.11 or newer with its venv module (Debian: python3-venv)." >&2; \
	echo "None of these is one: $(PYTHON)" >&2; \
	exit 1
