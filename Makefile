.DEFAULT_GOAL := help
.PHONY: help setup demo table1 table2 fig2 bench bench-gpu docs test test-slow test-slurm lint wheel clean

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
TRAIN = $(BIN)/python -m emogan.train
REPORT = $(BIN)/python -m emogan.report

define OPTIONS_HELP

Options of table1, table2 and fig2, such as make table1 SUBJECTS=3 DATA='/data/SEED (1)':
  SUBJECTS=3     the first three; SUBJECTS=2,5: those two
  DATA=FOLDER    your copy of the data set's release instead of a simulation
  MACHINE=here   or laptop (a job per core) or slurm
  OUTPUT=outputs the folder where all is written
  ARGS='...'     further options of emogan.train
endef
MACHINE ?= here
OUTPUT ?= outputs
export DATA OUTPUT OPTIONS_HELP # so that a shell reads what is in a path as it stands
SEED_WITH_EYES = 1 2 3 4 5 8 9 10 11 12 13 14
comma = ,
space = $() $()
NUMBERED = $(if $(and $(DATA),$(findstring seed_eyes,$(1))),$(wordlist 1,$(SUBJECTS),$(SEED_WITH_EYES)),$(shell seq 1 $(SUBJECTS)))
GIVEN = $(subst $(comma),$(space),$(SUBJECTS))
LISTED = $(subst $(space),$(comma),$(strip $(if $(findstring $(comma),$(SUBJECTS))$(word 2,$(GIVEN)),$(GIVEN),$(call NUMBERED,$(1)))))
OPTIONS = machine=$(MACHINE) "output=$$OUTPUT" $(if $(SUBJECTS),'data.subjects=[$(call LISTED,$(1))]') $(ARGS)
RELEASE = $(if $(DATA),data=$(1) "data.root=$$DATA")

help: ## Print the targets and their options
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12
	@echo "$$OPTIONS_HELP"

setup: $(VENV)/ready ## Create the virtual environment with the exact versions of constraints.txt

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: setup ## Train cBEGANs on simulated SEED-like data and print what a linear SVM gains
	$(BIN)/python -m emogan.train experiment=quick

table1: setup ## The paper's Table 1 (SEED) and its report
	$(TRAIN) experiment=table1 $(call RELEASE,seed) $(if $(DATA),$(if $(SUBJECTS),,'data.subjects=[1,2,3],[4,5,8],[9,10,11],[12,13,14]')) $(call OPTIONS,seed_eyes)
	$(REPORT) "$$OUTPUT/table1_$(if $(DATA),seed,synthetic)"

table2: setup ## The paper's Table 2 (SEED-V) and its report
	$(TRAIN) experiment=table2 $(call RELEASE,seed_v) $(call OPTIONS)
	$(REPORT) "$$OUTPUT/table2_$(if $(DATA),seed_v,synthetic_seed_v)"

fig2: setup ## The paper's Fig. 2 (convergence) and its report
	$(TRAIN) experiment=fig2 $(call RELEASE,seed) $(call OPTIONS,seed_eyes)
	$(REPORT) "$$OUTPUT/fig2_$(if $(DATA),seed,synthetic)"

test: setup ## Run the tests, a process for each core
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile

test-slow: setup ## Run the tests that take minutes
	$(BIN)/python -m pytest -m slow

test-slurm: setup ## Run the tests that start a Slurm of their own (as root; skipped without its programs)
	$(BIN)/python -m pytest -m slurm

bench: setup ## Measure what stacking, the SVM path and the store save (25 minutes); outputs/benchmark.json
	$(BIN)/python -m emogan.benchmark

bench-gpu: setup ## Check and measure EmoGAN on a GPU (8 minutes; ARGS='--device cpu' rehearses); outputs/benchmark_gpu.json
	$(BIN)/python -m emogan.benchmark.gpu $(ARGS)

docs: setup ## Build the documentation into outputs/docs/html, its examples run anew (6 minutes)
	$(BIN)/python -m sphinx --fail-on-warning --keep-going -d outputs/docs/doctrees docs outputs/docs/html

lint: setup ## Check style, formatting and the types of what users import
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

wheel: setup ## Build the wheel into dist/
	$(BIN)/python -m build --wheel --no-isolation

clean: ## Remove the virtual environment and what was built, never outputs/
	rm -rf $(VENV) build dist *.egg-info
