# Every command sets itself up first. Needs Python 3.11 or newer, and nothing else.
PYTHON ?= python3
BIN := .venv/bin
LOCK := $(BIN)/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 \
	--no-header --no-annotate
# What scan/ itself needs, each scanner, and packs/ to build those that are written in Go.
SCAN_LOCKS := $(wildcard scan/requirements.txt scan/*/requirements.txt scan/recipes/*/requirements.txt) \
	packs/requirements.txt
# Those that are installed beside the tests, too.
INSTALLED := scan/requirements.txt scan/sonarqube/requirements.txt \
	$(foreach name,bandit ruff,scan/recipes/$(name)/requirements.txt)
# Packages that are data only.
RULES := scan/recipes/semgrep/rules
# A file's tests stay in one process: they share an account.
PARALLEL := --numprocesses 2 --dist loadfile --no-loadscope-reorder
# By the environment, so that no name of a zip is read by make or the shell.
export APP DECISION KEEP PORT RANGE SCANNERS SONARQUBE STACK TAG

.DEFAULT_GOAL := help
.PHONY: help setup up demo preflight test test-all test-sonarqube test-scanners faults permissions simulate fuzz bench \
	bench-scan bench-burst screenshots smoke verify-evidence check security sbom lock commits release-notes \
	dist clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup ## Run the whole pipeline here; APP=any.zip takes yours, SCANNERS=sonarqube a real server
	@$(BIN)/python -m local.demo

up: setup ## Run the pipeline with a page to see and use it, at 127.0.0.1; PORT=8420, KEEP=folder
	@$(BIN)/python -m local.page

preflight: setup ## Check all that an environment needs, before and after `pulumi up`; STACK=dev
	@$(BIN)/python -m ops preflight --stack "$$STACK"

test: setup ## Run the tests that take a moment each (about four minutes)
	@$(BIN)/python -m pytest $(PARALLEL) --hypothesis-profile quick -m "not slow and not sonarqube and not scanners"

test-all: setup ## Run all tests that need no SonarQube server, as CI does (about half an hour)
	@$(BIN)/python -m pytest $(PARALLEL) --cov -m "not sonarqube and not scanners"

test-sonarqube: setup ## Run the tests on a real SonarQube server (Java, Maven; minutes); SONARQUBE=26.2.0.119303
	@$(BIN)/python -m pytest -m "sonarqube and not scanners" tests/sonarqube

test-scanners: setup ## Run each scanner on real projects from package registries (npm, Java, Maven; minutes)
	@$(BIN)/python -m pytest -m scanners tests/scanners
	@$(BIN)/python -m pytest -m "sonarqube and scanners" tests/sonarqube

faults: setup ## Let each AWS call fail in each lifecycle of an upload, show the result (50 minutes)
	@$(BIN)/python -m tests.faults

permissions: setup ## Evaluate each call against the policies, renew docs/permissions.md (2 minutes)
	@$(BIN)/python -m tests.permissions

simulate: setup ## Run 25,000 random orders of uploads, clicks and faults against a model (11 minutes)
	@$(BIN)/python -m tests.simulation

fuzz: setup ## Unpack 20,000 random zips with every unzipper here, look for unseen files (10 minutes)
	@$(BIN)/python -m tests.fuzz

bench: setup ## Measure functions and pipeline against baselines, renew docs/benchmarks.md (15 minutes)
	@$(BIN)/python -m bench

bench-scan: setup ## Measure scan/ against the scanner alone on a real SonarQube server
	@$(BIN)/python -m bench sonarqube

bench-burst: setup ## Push 1,000 uploads at once through the pipeline here, count the results (minutes)
	@$(BIN)/python -m bench burst

smoke: setup ## Send the samples through a deployed stack and check the results; STACK=dev
	@$(BIN)/python -m ops smoke --stack "$$STACK"

verify-evidence: setup ## Check that nobody changed the evidence of a stack; STACK=dev
	@$(BIN)/python -m ops verify --all --stack "$$STACK"

screenshots: setup ## Renew docs/screenshots in a real browser (Chromium)
	@$(BIN)/python -m tests.page.screenshots

check: setup ## Check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright

security: setup .venv-security/ready ## Check policies, state machine, secrets, dependencies, workflows
	@$(BIN)/python -m security.run

sbom: setup .venv-security/ready ## Write sbom/: what is in each environment, as CycloneDX
	@mkdir -p sbom
	@for lock in requirements.lock $(SCAN_LOCKS); do \
		.venv-security/bin/cyclonedx-py requirements "$$lock" --output-format JSON \
			--outfile "sbom/$$(echo "$${lock%.*}" | tr / -).json" || exit 1; done

commits: ## Check that messages of commits are conventional; RANGE=origin/main..HEAD
	@$(PYTHON) .ci/commits.py --range "$${RANGE:-origin/main..HEAD}"

release-notes: ## Print the notes of the version in pyproject.toml; TAG=v2.0.0 checks that tag
	@$(PYTHON) .ci/release_notes.py $${TAG:+"$$TAG"}

dist: setup sbom ## Build what a release has: dist/ with wheel and notes, sbom/
	@rm -rf dist && mkdir dist
	@$(PYTHON) .ci/release_notes.py $${TAG:+"$$TAG"} >dist/notes.md
	@$(BIN)/uv build --quiet --wheel --out-dir dist

lock: setup ## Renew all pinned requirements from what is asked for
	@for lock in $(SCAN_LOCKS); do $(LOCK) --output-file $$lock "$${lock%.txt}.in" || exit 1; done
	@$(LOCK) --no-deps --output-file $(RULES).txt $(RULES).in
	@$(LOCK) --output-file requirements.lock requirements.txt \
		$(foreach lock,$(INSTALLED),--constraint $(lock))
	@$(LOCK) --output-file security/requirements.lock security/requirements.txt

setup: .venv/ready node/node_modules/ready
	@$(BIN)/python -m packs

.venv/ready: requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit( \
		f"chatops-slack needs Python 3.11 or newer; this is {v.major}.{v.minor}. Set PYTHON=...")'
	@echo "Setting up .venv (once; a minute at most) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check uv==0.13.9
	@$(BIN)/uv pip sync --quiet --require-hashes --python $(BIN)/python requirements.lock
	@touch $@

.venv-security/ready: security/requirements.lock | setup
	@echo "Setting up .venv-security (once; 300 MB, a minute) ..."
	@$(PYTHON) -m venv .venv-security
	@$(BIN)/uv pip sync --quiet --require-hashes --python .venv-security/bin/python \
		security/requirements.lock
	@# It is no Python package; Go checks what it downloads against its checksum database.
	@! command -v go >/dev/null || GOBIN="$(CURDIR)/.venv-security/bin" \
		go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
	@touch $@

# Without npm, tests say what they skip, and `make security` what it could not check.
node/node_modules/ready: node/package-lock.json
	@if command -v npm >/dev/null; then cd node && npm ci --silent --ignore-scripts \
		&& touch node_modules/ready; fi

clean: ## Remove .venv and whatever else make made here; ~/.cache/chatops-slack stays
	rm -rf .venv .venv-security node/node_modules sbom dist .pytest_cache .ruff_cache .hypothesis
