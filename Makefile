# `make app` sets everything up and serves the app; `make test` sets everything up and runs all checks.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Parts of the page that are tested each in a process of its own, as each serves pages of its own.
PARTS := tests/test_web_clock.py tests/test_web_downloads.py tests/test_web_timeline_page.py tests/test_web_viewer_page.py

.PHONY: app test check clean

app: $(VENV)/.app
	$(BIN)/python app.py

test: $(VENV)/.test check
	$(BIN)/python -m pytest $(addprefix --ignore=,$(PARTS))
	for part in $(PARTS); do $(BIN)/python -m pytest $$part || exit 1; done

check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

$(VENV)/.app: requirements.txt constraints.txt packages.txt pyproject.toml scripts/system_packages.sh
	sh scripts/system_packages.sh packages.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "kmtalk needs Python 3.11 or newer: make PYTHON=python3.12 app"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ echo "no virtual environment could be made: install python3-venv"; exit 1; }
	$(PIP) --requirement requirements.txt --constraint constraints.txt
	$(PIP) --no-deps --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.app requirements-dev.txt packages-test.txt packages-node.txt
	sh scripts/system_packages.sh packages-test.txt
	$(PIP) --requirement requirements-dev.txt --constraint constraints.txt
	$(BIN)/npm install --prefix $(VENV)/node --no-save --silent $$(cat packages-node.txt)
	@touch $@

clean:
	rm -rf $(VENV) out build *.egg-info .pytest_cache .ruff_cache
