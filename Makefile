# `make` opens the course, `make test` proves that it works. Both set up .venv on their first run.
PYTHON ?= python3
VENV   := .venv
BIN    := $(abspath $(VENV))/bin
STAMP  := $(VENV)/.ready
FIRST  := $(firstword $(sort $(wildcard lectures/*.ipynb)))
UV     := $(shell command -v uv 2>/dev/null)
# In a container one is often root, where JupyterLab wants to be told that this is meant.
ROOT   := $(if $(filter 0,$(shell id -u)),--allow-root)

# nbgrader looks for `alembic` and `jupyter` on PATH, so the environment's bin comes first everywhere.
export PATH := $(BIN):$(PATH)

.DEFAULT_GOAL := lab
.PHONY: lab setup clean

lab: $(STAMP)  ## open JupyterLab on the first lecture
	jupyter lab $(ROOT) $(FIRST)

setup: $(STAMP)  ## make .venv and nothing else

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "mbrl_teach needs Python 3.11 or newer; $(PYTHON) is older. Say: make PYTHON=/path/to/python3.11"; exit 1; }
ifdef UV
	uv venv --quiet --clear --python $(PYTHON) $(VENV)
	uv pip install --quiet --python $(BIN)/python --require-hashes --requirement requirements.lock
	uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
else
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
endif
	@touch $(STAMP)

clean:  ## back to a fresh clone
	rm -rf $(VENV) .venv-peers

# For authors and instructors (a student's Makefile ends here)
.PHONY: test test-slow lint notebooks release student-bundle grade bench bench-grading bench-peers lock

# two test processes on two cores: further threads would only wait for each other
test test-slow: export OPENBLAS_NUM_THREADS = 1
test: lint  ## everything that CI proves
	python -m pytest -m "not slow" --numprocesses 2 --dist loadfile --no-loadscope-reorder

test-slow: lint  ## what is too long for `make test`, as well
	python -m pytest -m "slow"

lint: $(STAMP)
	ruff check .
	ruff format --check .

notebooks: $(STAMP)  ## execute and normalise every lecture; normalise every solution
	python -m mbrl_teach.grading.normalise lectures solutions

release: $(STAMP)  ## generate exercises/ from solutions/
	for name in $(notdir $(wildcard solutions/*)); do nbgrader generate_assignment $$name --force || exit 1; done

student-bundle: $(STAMP)  ## dist/mbrl_teach-students.zip: the course without its solutions
	python -m mbrl_teach.grading.student_bundle

grade: $(STAMP)  ## grade ASSIGNMENT=01_lqr; JOBS=4 workers, FORCE=1 also what has not changed, OPTIONS= any other
	@test -n "$(ASSIGNMENT)" || { echo "which assignment? Say: make grade ASSIGNMENT=01_lqr"; exit 2; }
	python -m mbrl_teach.grading $(ASSIGNMENT) $(if $(JOBS),--jobs $(JOBS)) $(if $(FORCE),--force) $(OPTIONS)

bench: $(STAMP)  ## tables of ratios against scipy and plain loops
	python -m tests.benchmarks

bench-grading: $(STAMP)  ## a class graded, beside plain nbgrader (minutes)
	python -m tests.benchmarks grading

bench-peers: $(STAMP)  ## the same beside libraries of others, in an environment of their own
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --editable ".[course,dev,peers]"
	.venv-peers/bin/python -m tests.benchmarks

lock: $(STAMP)  ## resolve requirements.lock anew (needs uv)
	uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  --python-version 3.11 --extra course --extra dev pyproject.toml --output-file requirements.lock
