# The commands of the project; each one installs first what it needs.
.DEFAULT_GOAL := help
SHELL := /bin/bash
export UV_PYTHON_DOWNLOADS := never

# uv manages the environment; where the machine has none, one is kept in .uv/ beside it.
UV_VERSION := 0.13.9
UV := $(shell command -v uv || echo .uv/bin/uv)
RUN := .venv/bin
SYNC = $(UV) sync --frozen --quiet
# A broken machine breaks every test: ten failures say enough.
SHOW := --durations 10 --maxfail 10
# A test of whole platforms and their faults takes minutes.
LONG := --timeout 600 --override-ini faulthandler_timeout=660
SOURCES := libs services deploy/local tests bench conftest.py

.PHONY: help setup demo demo-train up test lint format bench chaos fuzz schemas clean
.PHONY: compose-up compose-demo compose-down compose-test k8s-check security-check docs-check drill

help: ## Show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.uv/bin/uv:
	@echo "Installing uv $(UV_VERSION) into .uv/"
	@python3 -m venv .uv || { echo "python3 -m venv failed: install it (Debian: apt install python3-venv)"; rm -rf .uv; exit 1; }
	@.uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

setup: $(UV) ## Install what the platform needs, and say how much that is
	@$(SYNC) --inexact
	@$(RUN)/python -m twin_local.footprint

demo: setup ## The main job once, on the sample author
	@$(RUN)/twin demo

demo-train: setup ## A twin of the sample author: dataset, training, report, approval, an answer of its own
	@$(UV) export --frozen --quiet --no-hashes --no-emit-workspace --group train | $(RUN)/python -m twin_local.footprint --to-install
	@$(SYNC) --inexact --group train
	@$(RUN)/twin demo-train

up: setup ## The platform and its web page, until Ctrl-C
	@$(RUN)/twin up

test: $(UV) ## Every test, with the servers they need
	@$(SYNC) --group dev --group deploy --group torch --group train
	@tests/servers/install.sh
	@tests/servers/install-chromium.sh
	@tests/servers/install-prometheus.sh
	@tests/servers/install-linters.sh
	@tests/servers/install-node.sh
	$(RUN)/pytest $(SHOW) -n 2 --dist loadfile libs services deploy tests/contract tests/deploy tests/docs tests/test_conftest.py
	$(RUN)/pytest $(SHOW) $(LONG) tests/e2e tests/integration tests/observability tests/chaos

lint: $(UV) ## Style, types, import rules, dead code
	@$(SYNC) --group dev --inexact
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy libs deploy tests bench services/cdc services/crawler services/trainer conftest.py
	cd services/feature-stream && ../../$(RUN)/mypy --config-file ../../pyproject.toml .
	cd services/rag-api && ../../$(RUN)/mypy --config-file ../../pyproject.toml .
	$(RUN)/lint-imports
	$(RUN)/vulture

format: $(UV) ## Rewrite the sources in the project's style
	@$(SYNC) --group dev --inexact
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

bench: $(UV) ## The benchmarks; JSON into bench/results/
	@$(SYNC) --group dev --group train --inexact
	$(RUN)/python bench/run.py

chaos: $(UV) ## Faults of every kind for about an hour, and a table of what was left (CHAOS_TRIES, CHAOS_DOCUMENTS, …)
	@$(SYNC) --group dev --inexact
	@tests/servers/install.sh
	@tests/chaos/install.sh
	PYTHONPATH=bench $(RUN)/python -m tests.chaos

fuzz: $(UV) ## Requests of every shape that the OpenAPI document allows and forbids (FUZZ_EXAMPLES a route)
	@$(SYNC) --group dev --inexact
	FUZZ_EXAMPLES=$(or $(FUZZ_EXAMPLES),600) $(RUN)/pytest -s --timeout 7200 --override-ini faulthandler_timeout=7260 services/rag-api/tests/endpoints/test_fuzzing.py

schemas: $(UV) ## Write the event schemas, the OpenAPI document and the dashboards anew
	@$(SYNC) --group dev --inexact
	$(RUN)/python -m twin_common.contracts tests/contract/schemas
	$(RUN)/python -m twin_rag_api.contract tests/contract/openapi.json
	$(RUN)/python -m deploy.observability.dashboards

COMPOSE = docker compose --project-directory deploy/compose -f deploy/compose/compose.yaml
DEMO_COMPOSE = $(COMPOSE) -f deploy/compose/compose.demo.yaml

compose-up: ## The platform with real servers, in Docker
	@deploy/compose/secrets.sh
	$(COMPOSE) up --build --detach --wait
	$(COMPOSE) ps

compose-demo: ## The main job once, on the platform in Docker
	@deploy/compose/secrets.sh
	$(DEMO_COMPOSE) --profile tools build
	$(DEMO_COMPOSE) up --detach --wait
	$(DEMO_COMPOSE) run --rm twin demo --running --samples /samples

compose-down: ## Stop the platform in Docker; VOLUMES=1 also forgets what it keeps
	$(DEMO_COMPOSE) --profile '*' down --remove-orphans $(if $(VOLUMES),--volumes)

compose-test: $(UV) ## The stack on this machine's Docker: demo, hardening, kills; STAND_INS=1 where no image can be pulled
	@$(SYNC) --group dev --inexact
	@deploy/compose/secrets.sh
	$(if $(STAND_INS),tests/compose/stand_ins/build.sh,$(COMPOSE) --profile tools --profile train build)
	$(RUN)/pytest --timeout 1800 --override-ini faulthandler_timeout=1860 tests/compose

k8s-check: $(UV) ## Render every overlay and check each object, container and network flow
	@$(SYNC) --group dev --group deploy --inexact
	$(RUN)/pytest tests/deploy

security-check: $(UV) ## Linters of security and style over manifests, Dockerfiles and scripts (docs/operations/security.md)
	@$(SYNC) --group dev --group deploy --inexact
	@tests/servers/install-linters.sh
	UV="$(UV)" deploy/security-check

drill: $(UV) ## Lose each disk in turn, rebuild what was on it, and say how long that took
	@$(SYNC) --group dev --inexact
	$(RUN)/pytest -s tests/integration/test_disasters.py

docs-check: $(UV) ## The guides: each link leads somewhere, each command exists, the tables are those of the sources
	@$(SYNC) --group dev --group deploy --inexact
	$(RUN)/pytest tests/docs

clean: ## Remove what was installed and everything the local platform keeps
	rm -rf .venv .uv .twin .cache
