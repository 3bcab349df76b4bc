# Set-up and everyday commands. `make` alone prints what there is.

SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV ?= .venv
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; exit; }; \
	done)
CORPUS ?= ../shared/corpus
JOBS ?= 3
PORT ?=
ONLY ?=
JSON ?=
SCREENSHOTS ?=
SEED ?=
DELIVERIES ?=
FAULTS ?=
SOURCES ?=
RATE ?=
SECONDS ?=

# Compiled modules are kept: dozens of processes start in a run, and each would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

BIN := $(VENV)/bin
READY := $(VENV)/.ready
AUDIT := $(VENV)/audit
PACKAGING := $(VENV)/packaging
CODE := $(patsubst %/,%,$(dir $(wildcard src/. tests/. examples/. bench/__init__.py chaos/__init__.py fuzz/__init__.py)))

help: ## print this
	@echo 'make <target>, with Python >= 3.11 (PYTHON=$(PYTHON)):'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(firstword $(MAKEFILE_LIST)) \
		| awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

demo: $(READY) ## sample webhooks through the whole stack, what came out of them, then stop
	$(BIN)/ingest demo

up: $(READY) ## everything on this machine, until Ctrl-C: PORT=8000
	$(BIN)/ingest up $(if $(PORT),--port '$(PORT)')

test: $(READY) ## the test suite, on embedded services
	$(BIN)/pytest -n $(JOBS) --dist loadgroup -m 'not slow'

test-slow: $(READY) ## hundreds of orders, storms of deliveries with workers killed in the middle
	$(BIN)/pytest -n $(JOBS) --dist loadgroup -m slow --timeout 3600

corpus: $(READY) ## real payloads through the whole stack: CORPUS=dir
	$(BIN)/python -m tests.corpus --twice --corpus '$(CORPUS)'

bench: $(READY) ## measure: ONLY=name JSON=file
	$(BIN)/python -m bench $(if $(ONLY),--only '$(ONLY)') $(if $(JSON),--json '$(JSON)')

chaos: $(READY) ## faults while deliveries come, and what the rows must be: SEED=n DELIVERIES=n FAULTS=n BROKER=rabbitmq HOSTS=1 JSON=file
	$(BIN)/python -m chaos $(if $(SEED),--seed '$(SEED)') $(if $(FAULTS),--faults '$(FAULTS)') \
		$(if $(DELIVERIES),--deliveries '$(DELIVERIES)') $(if $(ONLY),--only '$(ONLY)') \
		$(if $(SOURCES),--sources '$(SOURCES)') $(if $(RATE),--rate '$(RATE)') \
		$(if $(BROKER),--broker '$(BROKER)') $(if $(HOSTS),--hosts) $(if $(JSON),--json '$(JSON)')

fuzz: $(READY) ## hostile inputs for all that reads what strangers send: SECONDS=n SEED=n ONLY=names JSON=file
	$(BIN)/python -m fuzz $(if $(SEED),--seed '$(SEED)') $(if $(SECONDS),--seconds '$(SECONDS)') \
		$(if $(ONLY),--only '$(ONLY)') $(if $(JSON),--json '$(JSON)')

check: lint types coverage ## lint, format, types and tests with branch coverage

coverage: $(READY) ## the test suite with branch coverage
	$(BIN)/pytest -n $(JOBS) --dist loadgroup -m 'not slow' --cov --cov-branch --cov-report=term

lint: $(READY) ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## mypy, strict
	$(BIN)/mypy $(CODE)

audit: $(READY) $(AUDIT)/.ready ## known vulnerabilities, yanked pins, licences
	@$(BIN)/python -m tests.dependencies.audit --tools $(AUDIT)/bin/python

packaging: $(READY) $(PACKAGING)/.ready ## image, compose file, chart, units, alerts: what their own tools say
	$(BIN)/pytest -rs tests/packaging

docs: $(READY) ## the site of the documentation, in build/docs/site
	@.ci/site '$(VENV)' build/docs

reference: $(READY) ## write the pages anew that the code makes: docs/reference
	$(BIN)/python -m tests.docs.reference

console-test: $(READY) ## the console in a real Chromium: SCREENSHOTS=1 takes the pictures of the docs
	SCREENSHOTS='$(SCREENSHOTS)' $(BIN)/pytest -rs tests/console/test_browser.py

format: $(READY) ## let ruff rewrite the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

setup: $(READY) ## the environment alone

clean: ## remove the environment and caches; data stay
	rm -rf '$(VENV)' build dist .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache \
		.hypothesis fuzz-findings src/*.egg-info
	find src tests bench chaos fuzz -name __pycache__ -type d -exec rm -rf {} + 2>/dev/null || true

$(READY): pyproject.toml constraints.txt
	@.ci/install '$(VENV)' '$(PYTHON)' --constraint constraints.txt --editable '.[dev]'
	@touch $@

$(AUDIT)/.ready: .ci/audit.txt | $(READY)
	@if .ci/install '$(AUDIT)' '$(PYTHON)' --requirement .ci/audit.txt; then touch $@; \
	else rm -rf '$(AUDIT)'; fi

$(PACKAGING)/.ready: .ci/packaging.txt .ci/promtool | $(READY)
	@if .ci/install '$(PACKAGING)' '$(PYTHON)' --requirement .ci/packaging.txt \
		&& .ci/promtool '$(PACKAGING)/bin'; then touch $@; else rm -rf '$(PACKAGING)'; fi

.PHONY: help demo up test test-slow corpus bench chaos fuzz check coverage lint types audit packaging \
	console-test format docs reference \
	setup clean
