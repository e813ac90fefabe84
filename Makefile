# A fresh machine needs Python 3.11 or newer and make. PYTHON=... names the interpreter, ARGS=... adds arguments:
#
#   make demo                          watch one portfolio order travel from 202 Accepted to its last webhook
#   make test                          every check: lint, format, types, layers, unit, database, system tests
#   make test-thorough                 the tests that take minutes
#   make bench ARGS='--clients 8'      drive the real processes and print the figures
#   make lock                          lock the dependencies of pyproject.toml again (newest: make lock ARGS=--upgrade)
#   make clean                         remove the environment and every cache

SHELL := /bin/sh
PYTHON ?=
ARGS ?=
BIN := .venv/bin
UV_VERSION := 0.13.9
LOCK := .venv-lock/bin/uv pip compile pyproject.toml --group build --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-annotate --custom-compile-command 'make lock' --quiet

export PYTHON
export UV_PYTHON_DOWNLOADS := never

.DEFAULT_GOAL := test
.PHONY: demo serve test test-thorough check bench lock clean

demo: .venv/.runtime
	@exec $(BIN)/orderlane demo $(ARGS)

serve: .venv/.runtime
	@exec $(BIN)/orderlane serve $(ARGS)

test: check
	$(BIN)/python -m pytest $(ARGS)

test-thorough: .venv/.test
	$(BIN)/python -m pytest -m thorough $(ARGS)

check: .venv/.test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.test
	@exec $(BIN)/python -m benchmarks.portfolio_orders $(ARGS)

.venv/.runtime: requirements/runtime.txt pyproject.toml tools/environment
	@./tools/environment runtime
	@touch $@

.venv/.test: requirements/test.txt pyproject.toml tools/environment
	@./tools/environment test
	@touch $@ .venv/.runtime

lock: .venv-lock/.stamp
	$(LOCK) --extra test $(ARGS) -o requirements/test.txt
	$(LOCK) --constraint requirements/test.txt -o requirements/runtime.txt

.venv-lock/.stamp: Makefile
	$(or $(PYTHON),python3) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

clean:
	rm -rf .venv .venv-lock build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
