# make run    sets everything up and serves http://127.0.0.1:8000 with demo data
# make test   sets everything up and runs every check and test
# make check  style and types only
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
SIDE_BY_SIDE ?= 3
ASSETS := web/static/dist/manifest.json
SOURCES := pyproject.toml constraints.txt hatch_build.py \
	$(wildcard web/frontend/*.json web/frontend/*.js web/frontend/.npmrc web/frontend/src/*)

.PHONY: run test check clean
.DELETE_ON_ERROR:

run: $(STAMP)
	@$(BIN)/procession run --demo

test: $(STAMP)
	@$(BIN)/python tests/prerequisites.py
	@$(MAKE) --no-print-directory check
	@timeout 30m $(BIN)/python -m pytest -q -rs -m "not bench" -n $(SIDE_BY_SIDE) --dist worksteal

check: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

clean:
	rm -rf $(VENV) web/static/dist web/frontend/node_modules

# Assets that somebody deleted are made again.
ifeq ($(wildcard $(ASSETS)),)
.PHONY: $(STAMP)
endif

# The build hook makes the assets, and only when a source of theirs changed.
$(STAMP): $(SOURCES) | $(BIN)/pip
	@echo "Installing into $(VENV) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt pip
	@$(BIN)/python -m pip install -q -c constraints.txt --group dev -e .
	@touch $@

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Expected Python 3.11 or newer, but $(PYTHON) is older. Do: make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || $(PYTHON) tests/prerequisites.py python3-venv
	@$(PYTHON) -m venv $(VENV)
