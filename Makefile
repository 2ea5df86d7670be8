# Each target does its own set-up. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
RECIPE := pyproject.toml deploy/constraints.txt deploy/environment.sh

.PHONY: help demo test test-data test-train test-all up down lint types bench screenshots evaluate lock clean

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/.core ## Start everything, play an invented day of news and ring; the first time downloads the engines.
	$(BIN)/tocsin demo

test: .venv/.test ## Run every test that needs nothing from outside (starts and ends its own engines).
	$(BIN)/pytest -m "not data and not train"

test-data: .venv/.test ## Run the tests that need the public data in ../shared/data or $TOCSIN_DATA.
	$(BIN)/pytest -m "data"

test-train: .venv/.train ## Run the tests of training, from rows to a deployed model (installs torch).
	$(BIN)/pytest -m "train and not data"

test-all: .venv/.train ## Run all tests, also those of training (installs torch).
	$(BIN)/pytest

up: .venv/.core ## Start Kafka, Elasticsearch and Triton and leave them running.
	$(BIN)/tocsin up

down: .venv/.core ## End them.
	$(BIN)/tocsin down

lint: .venv/.test ## Check style and formatting.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.test ## Check types, strictly.
	$(BIN)/mypy

bench: .venv/.test ## Measure throughput, latency and memory on this machine.
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench.console

screenshots: .venv/.test ## For maintainers: take the pictures of the README anew, of the demo's day.
	$(BIN)/python -m tests.browser.screenshots

evaluate: .venv/.test ## Measure the rules on the public data in ../shared/data or $TOCSIN_DATA against published formulas.
	$(BIN)/python -m tests.bench.evaluation

lock: .venv/.test ## For maintainers: pin every version and checksum anew.
	$(BIN)/python -m deploy.relock

clean: ## End the engines and delete everything made here (the shared cache stays).
	@if [ -x $(BIN)/tocsin ]; then $(BIN)/tocsin down || true; fi
	rm -rf .venv .tocsin .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp for each set of packages: nothing is installed again until the recipe changes.
.venv/.core: $(RECIPE)
	@sh deploy/environment.sh ""
	@touch $@

.venv/.test: $(RECIPE)
	@sh deploy/environment.sh test
	@touch $@ .venv/.core

.venv/.train: $(RECIPE)
	@sh deploy/environment.sh test,train
	@touch $@ .venv/.core .venv/.test
