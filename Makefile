# Every target does its own set-up; the second time it is quick.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: help demo test test-slow test-browser test-property board check format types imports sql up lock schema bench clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

# The lock file also pins the build backend, so nothing is fetched that has no hash. It lists everything,
# hence --no-deps: nothing may be resolved beside it.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
		|| { echo "Python 3.11, 3.12 or 3.13 is needed; name it with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Setting up .venv (about a minute, once) …"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q .venv/lib >/dev/null || true
	@touch $(READY)

demo: $(READY) ## Start everything on the emulator, mirror a sample library, change it, mirror again
	@$(BIN)/media-pipeline demo

up: $(READY) ## Database, emulator and Dagster's web page, until Ctrl-C
	@$(BIN)/media-pipeline up

test: $(READY) ## Run the test suite (without the slow tests)
	@$(BIN)/python -m pytest -n 2 -m "not slow and not property and not browser"

test-slow: $(READY) ## Run the tests that take long by their nature
	@$(BIN)/python -m pytest -n 2 -m slow

test-browser: $(READY) ## Look at pages in Chromium; installs it by apt where it is missing
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null \
		|| { echo "Installing Chromium …"; apt-get update -qq && apt-get install -y -qq chromium >/dev/null; }
	@$(BIN)/python -m pytest -m browser

test-property: $(READY) ## Run the random machine over emulator and mirror (minutes)
	@$(BIN)/python -m pytest -m property

board: $(READY) ## Run the tests of every scenario and write the board of docs/reliability.md
	@$(BIN)/python -m media_pipeline_tests.scenario_board

check: format types imports sql ## Lint, types, import rules, SQL style

format: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(READY)
	@$(BIN)/mypy

imports: $(READY)
	@$(BIN)/lint-imports

sql: $(READY)
	@$(BIN)/sqlfluff lint --processes 2 sql/audit sql/demo sql/diff sql/duplicates sql/listing sql/mirror sql/ops sql/outbox sql/push sql/quality sql/reads sql/upkeep sql/vault

schema: $(READY) ## Generate sql/schema.sql from the migrations
	@$(BIN)/python -m media_pipeline.db.migrate schema

bench: $(READY) ## Measure the first and the unchanged sync of 100,000 assets
	@$(BIN)/python bench/first_sync.py

lock: $(READY) ## Write requirements.lock anew from pyproject.toml (needs uv)
	@uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --extra dev \
		--custom-compile-command "make lock" --quiet pyproject.toml --output-file requirements.lock

clean: ## Remove the virtual environment and caches; keeps .media_pipeline
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
