# Everything runs in an environment of its own, .venv; nothing need be installed before but Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# some machines forbid it, and then every process of every test compiles all that it imports anew
export PYTHONDONTWRITEBYTECODE :=

.PHONY: setup demo test up check format lint types contract test-e2e screenshots chaos bench lock clean help
.DEFAULT_GOAL := help

help: ## what can be done here
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  make \1\t/' | expand -t 20

setup: $(STAMP) ## make .venv and install what requirements.lock names, checked by hash

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"Watchfloor needs Python 3.11 or newer; {sys.executable} is {v[0]}.{v[1]}. Name another one: make PYTHON=python3.12 setup")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) (a minute or two the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: setup ## carry a real incident through all five phases on a real engine
	@$(BIN)/watchfloor demo

up: setup ## start the embedded stack and stay until Ctrl-C
	@$(BIN)/watchfloor up

test: setup ## the tests that run on every change
	@$(BIN)/python -m pytest -n 3 --dist loadgroup --no-loadscope-reorder --max-worker-restart 3 -m "not slow" || { \
	  code=$$?; test $$code -eq 1 || exit $$code; \
	  echo "again, one after another: what failed while three ran at once"; \
	  $(BIN)/python -m pytest --last-failed --last-failed-no-failures none -m "not slow"; }

check: setup format-check lint types contract test ## what CI runs

format: setup ## rewrite the code in the house format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: format-check
format-check: setup
	@$(BIN)/ruff format --check .

lint: setup ## ruff over the code, watchfloor lint over the shipped runbooks
	@$(BIN)/ruff check .
	@$(BIN)/watchfloor lint runbooks

types: setup ## mypy, strict
	@$(BIN)/mypy

contract: setup ## who may import whom
	@$(BIN)/lint-imports

test-e2e: setup ## the slow end-to-end suite on the embedded stack
	@folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	if command -v npm >/dev/null; then \
	  npm install --silent --no-audit --no-fund --prefix "$$folder" yaml-language-server@1.25.0 \
	    || echo "npm could not install yaml-language-server; its tests are skipped"; \
	fi; \
	YAML_LANGUAGE_SERVER="$$folder/node_modules/.bin/yaml-language-server" $(BIN)/python -m pytest tests/e2e tests/lsp tests/browser

screenshots: setup ## pictures of both consoles for the guide, made anew (needs chromium)
	@$(BIN)/python -m tests.browser.screenshots
	@$(BIN)/python -m tests.terminal.pictures

chaos: setup ## the slow kill suite
	@$(BIN)/python -m pytest tests/chaos

bench: setup ## measurements: ratios in one run, interleaved, medians
	@$(BIN)/python -m bench

lock: setup ## make requirements.lock anew (needs uv in .venv)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --all-extras pyproject.toml -o requirements.lock

clean: ## remove the environment and the caches (runs in .watchfloor/ stay)
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build *.egg-info
