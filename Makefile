PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# chromium-headless-shell starts twice as fast as chromium
CHROMIUM ?= $(or $(shell command -v chromium-headless-shell 2>/dev/null || command -v chromium 2>/dev/null || command -v chromium-browser 2>/dev/null),/usr/bin/chromium-headless-shell)
export CHROMIUM
# the kit and, unless a fork has deleted it, the sandbox
PROJECTS := pyproject.toml $(wildcard klaviyo_sandbox/pyproject.toml)
# if /dev/shm has 2 GB free, the tests' databases are kept in memory
export PYTEST_DEBUG_TEMPROOT ?= $(shell df -m /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 2000 { print "/dev/shm" }')
# one more than the number of cores, since some tests spend their time waiting for a timeout
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
# with this variable set, every process that a test starts would compile the whole project again
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run check test run-tests test-slow fuzz lint types structure fix docs docs-site dist licences mutations translations bench bench-delivery bench-import bench-push screenshots recording audit lock static browser firefox webkit postgres nginx clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.run static ## Start the shop, and a stand-in for Klaviyo unless .env has Klaviyo's keys
ifneq ($(wildcard demo),)
	@exec $(BIN)/python -m demo
else
	@$(BIN)/flask db upgrade && PATH="$(abspath $(BIN)):$$PATH" exec honcho start web worker
endif

check: $(VENV)/.dev static ## Lint, types and fast tests: run it after each change
	@$(MAKE) --no-print-directory -j 3 lint types run-tests MARKERS="not browser and not process and not slow" OPTIONS=--hypothesis-profile=check

test: $(VENV)/.dev static browser firefox postgres ## Lint, types and all tests except the slow ones
	@$(MAKE) --no-print-directory -j 3 lint types run-tests MARKERS="not slow"

run-tests:
	$(BIN)/pytest -q -n $(WORKERS) --dist worksteal -m "$(MARKERS)" $(OPTIONS)

test-slow: $(VENV)/.publish $(VENV)/.node-sdk static browser firefox webkit postgres nginx ## Slow tests: killed processes, fuzzing, Firefox, WebKit, deployment, packaging
	@$(MAKE) --no-print-directory run-tests MARKERS=slow

fuzz: $(VENV)/.dev static ## Send 10,000 generated requests to all routes; part of make test-slow
	$(BIN)/pytest -q -n 2 -m slow tests/test_fuzz.py

lint: $(VENV)/.dev ## Check code style, spelling and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/lint-imports --no-cache

types: $(VENV)/.dev ## Check types
	$(BIN)/mypy

structure: $(VENV)/.dev ## Show files, lines, import layers and cycles of each package
	@$(BIN)/python -m tests.structure

fix: $(VENV)/.dev ## Fix what the linter can fix, and format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev ## Generate docs/settings.md and docs/architecture.svg
	$(BIN)/python -m docs.settings_page > docs/settings.md
	$(BIN)/python -m docs.site --diagram

docs-site: $(VENV)/.publish ## Build the documentation as a website in build/site
	@$(BIN)/python -m docs.site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --clean
	@echo "To read it: $(BIN)/python -m http.server --directory build/site 8008"

dist: $(VENV)/.publish ## Build the kit's and the sandbox's distributions in build/dist, and check them
	@rm -rf build/dist
	@for project in . $(wildcard klaviyo_sandbox); do $(BIN)/python -m build --no-isolation --outdir build/dist $$project >/dev/null || exit 1; done
	@$(BIN)/twine check --strict build/dist/*

licences: $(VENV)/.publish ## List the licences of all dependencies of the shop
	@$(BIN)/python -m docs.licences

static: $(VENV)/.run
	@for folder in $(wildcard static */static */*/static); do $(BIN)/python -m whitenoise.compress --quiet $$folder; done

browser:
	@test -x "$(CHROMIUM)" || { \
	  echo "Installing Chromium for the browser tests …"; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium-headless-shell fonts-dejavu-core; } >/dev/null || \
	  { echo "Installing Chromium failed. Install it yourself, or set CHROMIUM=/path/to/chromium"; exit 1; }; }

firefox:
	@command -v firefox-esr >/dev/null || [ -n "$$FIREFOX" ] || { \
	  echo "Installing Firefox for the browser tests …"; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends firefox-esr; } >/dev/null 2>&1 || \
	  echo "Installing Firefox failed. Tests that need it will be skipped"; }

webkit:
	@command -v WebKitWebDriver >/dev/null && command -v Xvfb >/dev/null || { \
	  echo "Installing WebKitGTK for the browser tests …"; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends webkit2gtk-driver xvfb; } >/dev/null 2>&1 || \
	  echo "Installing WebKitGTK failed. Tests that need it will be skipped"; }

postgres:
	@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { \
	  echo "Installing PostgreSQL for the delivery tests …"; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql; } >/dev/null || \
	  echo "Installing PostgreSQL failed. Tests that need it will be skipped"; }

nginx:
	@PATH="$$PATH:/usr/sbin" command -v nginx >/dev/null || { \
	  echo "Installing nginx for the deployment tests …"; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nginx-light openssl; } >/dev/null || \
	  echo "Installing nginx failed. Tests that need it will be skipped"; }

mutations: $(VENV)/.dev static ## Break the code in 30 places and check that a test fails each time (15 minutes)
	@$(BIN)/python -m tests.mutations

translations: $(VENV)/.dev ## Update the translation catalogs
	@for domain in "notify_me notify_me/translations notify_me" "messages translations storefront templates"; do \
	  set -- $$domain; name=$$1; folder=$$2; shift 2; pot=$$(mktemp); \
	  $(BIN)/pybabel -q extract -F pyproject.toml -k N_ --no-location --no-wrap -o $$pot $$* && \
	  $(BIN)/pybabel -q update -i $$pot -d $$folder -D $$name --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --no-wrap && \
	  $(BIN)/pybabel -q compile -d $$folder -D $$name; rm -f $$pot; \
	done

bench: $(VENV)/.dev static browser postgres ## Benchmark pages, startup, browser, sign-ups, import, push-catalog and queue (with QUICK=1, fewer requests)
	@$(BIN)/python -m benchmarks.pages
	@$(BIN)/python -m benchmarks.start
	@$(BIN)/python -m benchmarks.button
	@$(BIN)/python -m benchmarks.browser
	@$(BIN)/python -m benchmarks.importing $(if $(QUICK),4000,80000)
	@$(BIN)/python -m benchmarks.push $(if $(QUICK),500)
	@$(BIN)/python -m benchmarks.delivery $(if $(QUICK),--quick) --only accepts

bench-delivery: $(VENV)/.dev static ## Benchmark delivery (takes an hour; with QUICK=1, a few minutes)
	@$(BIN)/python -m benchmarks.delivery $(if $(QUICK),--quick)

bench-import: $(VENV)/.dev ## Benchmark import-catalog with 80,000 variants
	@$(BIN)/python -m benchmarks.importing

bench-push: $(VENV)/.dev ## Benchmark push-catalog
	@$(BIN)/python -m benchmarks.push

recording: $(VENV)/.dev static browser ## Record the tour for the README, and take the screenshot of the Studio
	@$(BIN)/python -m tests.recording

screenshots: $(VENV)/.dev static browser ## Take screenshots of every page and state
	$(BIN)/python -m tests.screenshots

audit: $(VENV)/.audit static browser ## Check HTML, styles, scripts, accessibility, sizes and Lighthouse scores (ONLY=pages runs one part)
	@$(BIN)/python -m tests.audit $(ONLY)

lock: $(VENV)/.dev ## Update the lock files from pyproject.toml
	$(BIN)/pip install -q uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --upgrade $(PROJECTS) --extra import --extra redis --group shop -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --upgrade $(PROJECTS) --extra import --extra redis --group shop --group dev -c requirements.lock -o requirements-dev.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --upgrade --group audit -o requirements-audit.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --upgrade --group publish -c requirements-dev.lock -o requirements-publish.lock

clean: ## Delete the environment, caches, builds and instance/ (the demo's or the shop's data)
	rm -rf $(VENV) build instance .mypy_cache .ruff_cache .pytest_cache
	find . -name '*.br' -delete -o -name '*.gz' -delete

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is required. To choose one: PYTHON=python3.12 make run"; exit 1; }
	@$(PYTHON) -m venv $(VENV) >/dev/null || { rm -rf $(VENV); \
	  echo "Installing Python's venv module …"; \
	  { apt-get update -qq && apt-get install -y -qq python3-venv; } >/dev/null && $(PYTHON) -m venv $(VENV); } || \
	  { rm -rf $(VENV); echo "Installing Python's venv module failed. Install python3-venv yourself"; exit 1; }

$(VENV)/.run: requirements.lock | $(BIN)/python
	@echo "Installing the shop's dependencies …"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock | $(BIN)/python
	@echo "Installing the test dependencies …"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@ $(VENV)/.run

$(VENV)/.audit: requirements-audit.lock tests/audit/package-lock.json | $(VENV)/.dev
	@echo "Installing the audit's dependencies …"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-audit.lock
	@cd tests/audit && PUPPETEER_SKIP_DOWNLOAD=1 PATH="$(abspath $(BIN)):$$PATH" npm ci --silent --no-audit --no-fund
	@touch $@

$(VENV)/.publish: requirements-publish.lock | $(VENV)/.dev
	@echo "Installing the tools for the docs website and for releases …"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-publish.lock
	@touch $@

$(VENV)/.node-sdk: requirements-audit.lock tests/klaviyo_sandbox/node_sdk/package-lock.json | $(VENV)/.dev
	@echo "Installing Klaviyo's Node SDK …"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-audit.lock
	@cd tests/klaviyo_sandbox/node_sdk && PATH="$(abspath $(BIN)):$$PATH" npm ci --silent --no-audit --no-fund
	@touch $@
