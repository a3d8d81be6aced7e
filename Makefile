# `make run` and `make test` need Python 3.11 or newer and nothing else; both make the environment first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup run test format faults fuzz contract mutants bench binary

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1|/' | awk -F'|' '{printf "%-14s %s\n", $$1, $$2}'

setup: $(VENV)/.installed ## make .venv with exactly the locked packages

# Done again only when the lock or the project's own metadata changes.
$(VENV)/.installed: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; try: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: setup ## start everything on http://demo.localhost:8000 with servers of its own; Ctrl-C stops it
	@$(BIN)/basecommerce dev

test: setup ## format, lint, types, import floors and all tests: what CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n $(WORKERS)

format: setup ## format the code and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

SECONDS ?= 120
SEED ?=
faults: setup ## run the business under faults: make faults SECONDS=600 SEED=7
	$(BIN)/python -m tests.faults --seconds $(SECONDS) $(if $(SEED),--seed $(SEED)) --json benchmarks/results/faults.json

INPUTS ?= 100000
fuzz: setup ## send generated and naughty requests of every kind: make fuzz INPUTS=100000 SEED=7
	$(BIN)/python -m tests.security.fuzz --inputs $(INPUTS) $(if $(SEED),--seed $(SEED)) --json benchmarks/results/fuzz.json

EXAMPLES ?= 10
CONTRACT := build/contract
contract: setup ## ask every operation as the OpenAPI document says, by schemathesis, per role: make contract ROLE=owner EXAMPLES=20
	@test -e $(CONTRACT)/.installed -a $(CONTRACT)/.installed -nt requirements-contract.lock || { \
	  $(PYTHON) -m venv --clear $(CONTRACT) && \
	  $(CONTRACT)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-contract.lock && \
	  touch $(CONTRACT)/.installed; }
	$(BIN)/python -m tests.security.contract --examples $(EXAMPLES) $(if $(ROLE),--role $(ROLE)) $(if $(SEED),--seed $(SEED)) --json benchmarks/results/contract.json

# An environment of its own with exactly what production has, and the tools that pack it.
PACKING := build/binary
binary: ## make dist/basecommerce: one executable file with the interpreter and everything inside
	$(PYTHON) -m venv --clear $(PACKING)
	$(PACKING)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(PACKING)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-binary.lock
	$(PACKING)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation .
	$(PACKING)/bin/pyinstaller --log-level WARN --noconfirm --distpath dist --workpath build/pyinstaller infra/binary/basecommerce.spec
	@cd dist && sha256sum basecommerce

bench: setup ## measure on this machine: make bench ONLY=health,quote CHECK=1 PLOT=1
	$(BIN)/python -m benchmarks

mutants: setup ## take every guard away in turn, in a copy, and see that a test notices
	$(BIN)/python -m tests.mutants
