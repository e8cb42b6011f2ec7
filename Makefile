# Every target creates what it needs: git, make and Python 3.11 or newer are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# Compiled modules are kept beside the environment, also on machines that are told to keep none: to
# compile the tests anew takes every worker longer than the slowest of them.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(CURDIR)/$(VENV)/.pycache

# A real Matrix server to try our adapter against, in an environment of its own: its needs are not ours.
SYNAPSE := $(VENV)/synapse/.installed

.PHONY: demo test setup check conformance bench chaos lock audit sbom site

setup: $(STAMP)

$(STAMP): requirements.lock requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(STAMP)

$(SYNAPSE): requirements-synapse.lock
	$(PYTHON) -m venv $(VENV)/synapse
	$(VENV)/synapse/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-synapse.lock
	touch $(SYNAPSE)

demo: $(STAMP)
	$(BIN)/polyai-bridge demo

# The gates and the fast tests: about a minute on two cores.
check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/pytest -q -n 2 -m "not thorough" tests/unit tests/property tests/contract

# All the rest, and every law once more with all the examples that it wants.
test: check $(SYNAPSE)
	$(BIN)/pytest -q -n 3 --hypothesis-profile=deep -m "integration or chaos or thorough or conformance or soak or hypothesis"

# PolyAI's protocol, scenario by scenario; writes what came of it to docs/conformance.md, and says so.
conformance: $(STAMP)
	$(BIN)/pytest -q -n 2 --dist worksteal tests/conformance --conformance-report=docs/conformance.md
	@echo "What came of each scenario is in docs/conformance.md."

# Our bridge beside what one would use instead: within 35 minutes on two idle cores, which are best left alone
# meanwhile; writes docs/performance.md and .json. One part alone, and no page: ARGS="--part tls.speed".
ARGS ?=
bench: $(STAMP)
	$(BIN)/python -m tests.bench $(ARGS)

# The real process killed so often in every flow, then driven so long through random episodes; writes
# what that cost to docs/kill-matrix.md and docs/model-run.md.
KILLS ?= 2000
PLUG_IN_KILLS ?= 500
MINUTES ?= 60
chaos: $(STAMP)
	$(BIN)/pytest -q -n 3 -m chaos --timeout 600
	$(BIN)/python -m tests.chaos --kills $(KILLS) --plug-in-kills $(PLUG_IN_KILLS) --report docs/kill-matrix.md
	$(BIN)/python -m tests.chaos.model --minutes $(MINUTES) --report docs/model-run.md

# Whether anything we ship or build with is known to be vulnerable; says so if nobody could be asked.
# AUDIT=required, for a release: then that is a failure, too.
audit: $(STAMP)
	$(BIN)/python .ci/audit.py

# The bill of materials of what is shipped, CycloneDX: dist/sbom.cdx.json.
sbom: $(STAMP)
	mkdir -p dist
	$(BIN)/python .ci/sbom.py dist/sbom.cdx.json

# The documentation as a site, in $(VENV)/site; a warning is a failure.
site: $(STAMP)
	$(BIN)/sphinx-build -q -a -W --keep-going -b html -d $(VENV)/.doctrees -c docs . $(VENV)/site
	@echo "The documentation is in $(VENV)/site/docs/index.html."

# New versions for everyone: resolves pyproject.toml anew. The files hold hashes, never addresses.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate pyproject.toml --output-file requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --group dev --all-extras pyproject.toml --output-file requirements-dev.lock
	printf 'matrix-synapse>=1.163,<2\n' | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate - --output-file requirements-synapse.lock
