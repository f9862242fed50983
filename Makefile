.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow bench lint wheel clean

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

help: ## Print the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/ready ## Create the virtual environment with the exact versions of constraints.txt

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: setup ## Train cBEGANs on simulated SEED-like data and print what they buy a linear SVM
	$(BIN)/python -m emogan.train experiment=quick

test: setup ## Run the tests
	$(BIN)/python -m pytest

test-slow: setup ## Run the tests that take minutes
	$(BIN)/python -m pytest -m slow

bench: setup ## Measure what stacking, the SVM path and the store save (15 minutes); outputs/benchmark.json
	$(BIN)/python -m emogan.benchmark

lint: setup ## Check style and formatting
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

wheel: setup ## Build the wheel into dist/
	$(BIN)/python -m build --wheel --no-isolation

clean: ## Remove the virtual environment and what was built, never outputs/
	rm -rf $(VENV) build dist *.egg-info
