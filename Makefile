# Set-up and everyday commands. `make` alone prints what there is.

SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV ?= .venv
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; exit; }; \
	done)
CORPUS ?= ../shared/corpus
JOBS ?= 2
ONLY ?=
JSON ?=

BIN := $(VENV)/bin
READY := $(VENV)/.ready
CODE := $(patsubst %/,%,$(dir $(wildcard src/. tests/. bench/__init__.py)))

help: ## print this
	@echo 'make <target>, with Python >= 3.11 (PYTHON=$(PYTHON)):'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(firstword $(MAKEFILE_LIST)) \
		| awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

demo: $(READY) ## sample webhooks through the whole stack, what came out of them, then stop
	$(BIN)/ingest demo

up: $(READY) ## everything on this machine, until Ctrl-C
	$(BIN)/ingest up

test: $(READY) ## the test suite, on embedded services
	$(BIN)/pytest -n $(JOBS) --dist loadgroup -m 'not slow'

test-slow: $(READY) ## hundreds of orders, storms of deliveries with workers killed in the middle
	$(BIN)/pytest -n $(JOBS) --dist loadgroup -m slow --timeout 3600

corpus: $(READY) ## real payloads through the whole stack: CORPUS=dir
	$(BIN)/python -m tests.corpus --twice --corpus '$(CORPUS)'

bench: $(READY) ## measure: ONLY=name JSON=file
	$(BIN)/python -m bench $(if $(ONLY),--only '$(ONLY)') $(if $(JSON),--json '$(JSON)')

check: lint types coverage ## lint, format, types and tests with branch coverage

coverage: $(READY) ## the test suite with branch coverage
	$(BIN)/pytest -n $(JOBS) --dist loadgroup -m 'not slow' --cov --cov-branch --cov-report=term

lint: $(READY) ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## mypy, strict
	$(BIN)/mypy $(CODE)

format: $(READY) ## let ruff rewrite the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

setup: $(READY) ## the environment alone

clean: ## remove the environment and caches; data stay
	rm -rf '$(VENV)' build dist .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache \
		.hypothesis src/*.egg-info
	find src tests bench -name __pycache__ -type d -exec rm -rf {} + 2>/dev/null || true

# uv where the user has it; else venv; else virtualenv; else another pip; else say what to install.
$(READY): pyproject.toml constraints.txt
	@[ -n '$(PYTHON)' ] || { echo 'No Python >= 3.11 found: install one, or say PYTHON=path' >&2; exit 1; }
	@set -e; \
	if command -v uv >/dev/null 2>&1; then \
		[ -x $(BIN)/python ] || uv venv --quiet --python '$(PYTHON)' '$(VENV)'; \
		install='uv pip install --quiet --python $(BIN)/python'; \
	else \
		if [ ! -x $(BIN)/python ]; then \
			if '$(PYTHON)' -c 'import ensurepip' 2>/dev/null; then \
				'$(PYTHON)' -m venv '$(VENV)' || { rm -rf '$(VENV)'; exit 1; }; \
			elif '$(PYTHON)' -m virtualenv --version >/dev/null 2>&1; then \
				'$(PYTHON)' -m virtualenv --quiet '$(VENV)'; \
			elif '$(PYTHON)' -m pip --version >/dev/null 2>&1; then \
				'$(PYTHON)' -m venv --without-pip '$(VENV)'; \
			else echo '$(PYTHON) has no ensurepip, virtualenv or pip: install one, as with' \
				'"apt install python3-venv", or install uv' >&2; exit 1; fi; \
		fi; \
		if $(BIN)/python -m pip --version >/dev/null 2>&1; \
		then install='$(BIN)/python -m pip --disable-pip-version-check install --quiet'; \
		else install='$(PYTHON) -m pip --python $(BIN)/python install --quiet'; fi; \
	fi; \
	echo 'Installing into $(VENV) …'; \
	$$install --constraint constraints.txt --editable '.[dev]'
	@touch $@

.PHONY: help demo up test test-slow corpus bench check coverage lint types format setup clean
