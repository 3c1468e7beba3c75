# Every command of the project. `make help` lists them; `make run` and `make test` need Python 3.11 and nothing else.
python := .venv/bin/python
IMAGE_TOOL ?= docker
.DEFAULT_GOAL := help
.PHONY: help run test quick check assets bench bench-worklists bench-national bench-directory bench-postgres races failover soak soak-referrals soak-uploads sabotage conformance docs docs-check wheel partner-zip image lock notices clean setup-run setup-test setup-packages

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: setup-run ## set up if needed, then serve the demo world on 127.0.0.1:8000
	@.venv/bin/openers demo

test: setup-test ## set up if needed, then run the whole test suite
	@$(python) -m pytest -n 4 --dist worksteal

quick: setup-test ## unit tests, each operation once on SQLite, lint and own checks: a minute, while you work
	@$(python) -m ruff check --quiet .
	@$(python) -m tests.checks
	@$(python) -m pytest -n 2 -k "not postgresql" tests/unit tests/api/test_a0_golden.py

check: setup-packages ## format, lint, types, import contracts, own checks: seconds
	@$(python) -m ruff format --check --quiet . && $(python) -m ruff check --quiet .
	@$(python) -m pyright
	@.venv/bin/lint-imports --no-cache
	@$(python) -m tests.checks

bench: setup-test ## benchmarks against the bare server and the floor: JSON and a table
	@$(python) -m bench

bench-worklists: setup-test ## a worklist in a store of 10,000 referrals and in one of a million: minutes, 3 GB
	@$(python) -m bench.worklists

bench-national: setup-test ## import the records of a whole country, twice: time, memory and blocks; some minutes, 1 GB
	@$(python) -m bench.national

bench-directory: setup-test ## a search in 61,000 services against one in 1,000; two minutes
	@$(python) -m bench.directory

bench-postgres: setup-test ## the service on PostgreSQL beside pgbench: DATABASE_URL names an empty database; some minutes
	@test -n "$$DATABASE_URL" || { echo "DATABASE_URL is not set: name an empty database of a PostgreSQL server on this machine" >&2; exit 2; }
	@$(python) -m bench.postgres --database-url "$$DATABASE_URL"

races: setup-test ## 1,000 rounds of 200 callers for 20 slots on each database: half an hour
	@OPENERS_RACES_ROUNDS=1000 $(python) -m pytest tests/races

failover: setup-test ## kill the primary of two PostgreSQL servers 50 times under load; some minutes
	@OPENERS_FAILOVER_ROUNDS=50 $(python) -m pytest tests/crash/test_failover.py

soak: soak-referrals soak-uploads ## long runs: 10,000 steps of whole referrals, then twenty uploads of 100 MiB at once; half an hour

soak-referrals: setup-test ## a machine that drives whole referrals, 10,000 steps; bodies and headers that nobody has tried before
	@OPENERS_EXPLORE=1 OPENERS_SOAK_STEPS=10000 $(python) -m pytest tests/lifecycle/test_whole_referrals.py tests/api/test_random_bodies.py

soak-uploads: setup-test ## memory and disk while twenty files of 100 MiB are uploaded and read
	@OPENERS_TEST_UPLOAD_MIB=100 $(python) -m pytest tests/blobs/test_memory.py

sabotage: setup-test ## plant faults one by one; each must turn a test red
	@$(python) -m tests.sabotage

conformance: setup-test ## published examples in OPENERS_REFERENCE_DIR against running worlds, and how many come out whole
	@test -n "$$OPENERS_REFERENCE_DIR" || { echo "OPENERS_REFERENCE_DIR is not set: name the folder of the published specification and examples" >&2; exit 2; }
	@$(python) -m pytest tests/conformance

docs: setup-packages ## build the documentation that the service serves at /docs; a warning is an error
	@$(python) scripts/build_docs.py

docs-check: setup-test ## commands and generated parts of the documentation
	@$(python) -m pytest tests/checks/test_docs.py tests/checks/test_docs_commands.py

lock: setup-test ## write the hashed requirement files anew
	@scripts/lock.sh

notices: setup-packages ## write the notices and the bill of materials of other projects' packages anew
	@$(python) scripts/make_notices.py

assets: setup-packages ## compile style sheet, scripts, typeface and icons of the pages
	@$(python) scripts/build_assets.py --anew

wheel: docs assets ## build the packages (sdist and wheel), with documentation and assets in them, into dist/
	@rm -rf dist
	@.venv/bin/uv build --quiet --no-build-isolation --offline

partner-zip: assets ## build dist/quickconnect.zip: Quick Connect without the service, for a partner's machine
	@$(python) scripts/make_partner_zip.py

image: wheel ## build the container image `openers` with docker, or with IMAGE_TOOL=podman
	@$(IMAGE_TOOL) build --file Containerfile --tag openers .

clean: ## remove what the commands made, the demo world's store (var/) included
	rm -rf .venv var build dist src/openers/web/site src/openers_web/assets .pytest_cache .ruff_cache .hypothesis .import_linter_cache src/*.egg-info
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

setup-run:
	@scripts/setup.sh run
	@$(python) scripts/build_assets.py --lenient
	@$(python) scripts/build_docs.py --if-changed

setup-test: setup-packages
	@$(python) scripts/build_assets.py
	@$(python) scripts/build_docs.py --if-changed

setup-packages:
	@scripts/setup.sh test
