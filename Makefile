PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# the shell has no window, and takes half the time
CHROMIUM ?= $(or $(shell command -v chromium-headless-shell 2>/dev/null || command -v chromium 2>/dev/null || command -v chromium-browser 2>/dev/null),/usr/bin/chromium-headless-shell)
export CHROMIUM
# else every process that a test starts compiles the whole project again
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run check test test-slow lint types structure fix docs mutations words bench-delivery bench-push screenshots audit lock static browser firefox postgres clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.run static ## Start the shop, with a stand-in for Klaviyo unless .env names an account
ifneq ($(wildcard demo),)
	@exec $(BIN)/python -m demo
else
	@$(BIN)/flask db upgrade && $(BIN)/flask storefront load && PATH="$(abspath $(BIN)):$$PATH" exec honcho start web worker
endif

check: $(VENV)/.dev static lint types ## After each edit: lint, types, and the tests without browser or child process
	$(BIN)/pytest -q -n 3 --dist worksteal -m "not browser and not process and not slow"

test: $(VENV)/.dev static browser firefox postgres lint types ## Lint, types and all tests, browser tests included
	$(BIN)/pytest -q -n 3 --dist worksteal -m "not slow"

test-slow: $(VENV)/.dev static browser firefox postgres ## Long proofs: kill loops, fuzzing, other browsers, deployment, packaging
	$(BIN)/pytest -q -n 3 --dist worksteal -m slow

lint: $(VENV)/.dev ## Style, spelling, and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/lint-imports --no-cache

types: $(VENV)/.dev ## Type checks
	$(BIN)/mypy

structure: $(VENV)/.dev ## Files, lines, import layers and cycles of each package
	@$(BIN)/python -m tests.structure

fix: $(VENV)/.dev ## Mend what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev ## Write docs/settings.md from the settings' models
	$(BIN)/python -m docs.settings_page > docs/settings.md

static: $(VENV)/.run
	@for folder in $(wildcard static */static */*/static); do $(BIN)/python -m whitenoise.compress --quiet $$folder; done

browser:
	@test -x "$(CHROMIUM)" || { \
	  echo "Installing Chromium for the browser tests …"; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium-headless-shell fonts-dejavu-core; } >/dev/null || \
	  { echo "Chromium can't be installed here: install it by hand, or name one with CHROMIUM=/path/to/chromium"; exit 1; }; }

firefox:
	@command -v firefox-esr >/dev/null || [ -n "$$FIREFOX" ] || { \
	  echo "Installing Firefox for the tests in a second browser …"; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends firefox-esr; } >/dev/null 2>&1 || \
	  echo "Firefox can't be installed here: the tests that need it are skipped"; }

postgres:
	@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { \
	  echo "Installing PostgreSQL for the delivery tests …"; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql; } >/dev/null || \
	  echo "PostgreSQL can't be installed here: the tests that need it are skipped"; }

mutations: $(VENV)/.dev static ## Break the code in thirty places: does a test notice each? (a quarter of an hour)
	@$(BIN)/python -m tests.mutations

words: $(VENV)/.dev ## Gather the words for shoppers, and make the catalogs of the languages
	@for domain in "notify_me notify_me/translations notify_me" "messages translations storefront templates"; do \
	  set -- $$domain; name=$$1; folder=$$2; shift 2; pot=$$(mktemp); \
	  $(BIN)/pybabel -q extract -F pyproject.toml -k N_ --no-location --no-wrap -o $$pot $$* && \
	  $(BIN)/pybabel -q update -i $$pot -d $$folder -D $$name --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --no-wrap && \
	  $(BIN)/pybabel -q compile -d $$folder -D $$name; rm -f $$pot; \
	done

bench-delivery: $(VENV)/.dev static ## Measure the delivery engine (an hour; QUICK=--quick: minutes)
	@$(BIN)/python -m benchmarks.delivery $(QUICK)

bench-push: $(VENV)/.dev ## Measure pushing a catalog to Klaviyo
	@$(BIN)/python -m benchmarks.push

screenshots: $(VENV)/.dev static browser ## Take pictures of every page and state, on one sheet
	$(BIN)/python -m tests.screenshots

audit: $(VENV)/.audit static browser ## Check all HTML, styles and scripts, axe's whole table, sizes, Lighthouse (ONLY=pages: a part)
	@$(BIN)/python -m tests.audit $(ONLY)

lock: $(VENV)/.dev ## Renew the lock files from pyproject.toml
	$(BIN)/pip install -q uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --upgrade pyproject.toml --extra sandbox --extra import --group shop -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --upgrade pyproject.toml --extra sandbox --extra import --group shop --group dev -c requirements.lock -o requirements-dev.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --upgrade --group audit -o requirements-audit.lock

clean: ## Remove the environment, caches and the demo's data
	rm -rf $(VENV) instance .mypy_cache .ruff_cache .pytest_cache
	find . -name '*.br' -delete -o -name '*.gz' -delete

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: name one with PYTHON=python3.12 make"; exit 1; }
	@$(PYTHON) -m venv $(VENV) >/dev/null || { rm -rf $(VENV); \
	  echo "Installing Python's venv module …"; \
	  { apt-get update -qq && apt-get install -y -qq python3-venv; } >/dev/null && $(PYTHON) -m venv $(VENV); } || \
	  { rm -rf $(VENV); echo "Python's venv module can't be had: install python3-venv by hand"; exit 1; }

$(VENV)/.run: requirements.lock | $(BIN)/python
	@echo "Installing what the shop needs …"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock | $(BIN)/python
	@echo "Installing what the tests need …"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@ $(VENV)/.run

$(VENV)/.audit: requirements-audit.lock tests/audit/package-lock.json | $(VENV)/.dev
	@echo "Installing what the audit needs …"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-audit.lock
	@cd tests/audit && PUPPETEER_SKIP_DOWNLOAD=1 PATH="$(abspath $(BIN)):$$PATH" npm ci --silent --no-audit --no-fund
	@touch $@
