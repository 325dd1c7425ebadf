.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: help setup run test check bench model lock format clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## (.*)/  make \1|\2/' | column -t -s '|'

setup: $(STAMP) ## Put everything that Redress needs into .venv

$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Redress needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Set PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: setup ## Run it all on this machine, embedded (data in .redress/, Ctrl-C stops it)
	$(BIN)/redress up

test: setup ## Run the tests (real PostgreSQL; real Kafka where Java and Maven are)
	$(BIN)/pytest -n 2 --dist loadfile

check: setup ## Lint, types, import contracts, migrations, documents up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/redress plan check
	$(BIN)/python -m redress.checks

bench: setup ## Run the benchmarks (see bench/README.md)
	$(BIN)/python bench/run.py

model: setup ## Train the category model that ships, from the corpus (a few minutes)
	$(BIN)/redress classifier train --out services/judgements/category.safetensors

lock: setup ## Pin the dependencies anew, with hashes
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements/runtime.txt
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --group dev -o requirements/dev.txt

format: setup ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove what was built (not your data in .redress/)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
