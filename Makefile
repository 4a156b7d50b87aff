# make run: a first picture.  make test: all quick tests.  make test-all: the slow ones and Ray too.  Each sets up what it needs.
PYTHON ?= python3
VENV := .venv
DEV := .venv-dev
RUN := $(VENV)/bin/depthpaint
PY := $(DEV)/bin/python

.PHONY: run serve test test-all clients coverage check types lint format docs package measure doctor-bench bench bench-full parity-full train fuzz clean

run: $(VENV)/.ready
	$(RUN) generate examples/house-in-the-forest.png "a house in the forest with orange trees, a turquoise house and a brown roof, in autumn, on an overcast day" --name first-picture --overwrite

# The server, on http://127.0.0.1:7860/ (docs/how-to/server.md).
serve: $(VENV)/.ready
	$(VENV)/bin/pip install -q --disable-pip-version-check -c constraints.txt -e ".[server]"
	$(RUN) serve

# Two processes of one thread each: in one of two threads, most tests leave the second core idle.
test: $(DEV)/.ready
	$(MAKE) --no-print-directory -j 2 lint types
	OMP_NUM_THREADS=1 $(PY) -m pytest -q -n 2

# Everything but Stable Diffusion at full size (make parity-full): what make test leaves out takes minutes, needs Ray,
# strace (Linux) or a second Python environment. Ray is not among what make test sets up.
test-all: check
	command -v strace || { echo "make test-all needs strace (apt install strace)"; exit 1; }
	$(DEV)/bin/pip install -q --disable-pip-version-check -c constraints.txt -e ".[dev,ray]"
	OMP_NUM_THREADS=1 $(PY) -m pytest -q -n 2 -m "not slow"

# Unmodified clients of the server, for Node and Python, and requests that schemathesis makes from its OpenAPI
# description, against a server process: ten minutes.
clients: $(DEV)/.ready
	mkdir -p build/clients
	cp tests/server/clients/package.json build/clients/
	cd build/clients && npm install --silent --no-audit --no-fund
	for version in newest 0.9.8 0.9.0; do \
	  $(DEV)/bin/pip install -q --disable-pip-version-check --no-deps --upgrade --target build/clients/$$version \
	    "webuiapi$$(test $$version = newest || echo ==$$version)"; \
	done
	$(DEV)/bin/pip install -q --disable-pip-version-check requests "schemathesis>=4.32"
	OMP_NUM_THREADS=1 $(PY) -m pytest -q -m full tests/server/test_clients.py

# Which lines of the package the quick tests run. It fails below the floor in pyproject.toml.
coverage: $(DEV)/.ready
	OMP_NUM_THREADS=1 $(PY) -m pytest -q -n 2 --cov

# make test checks the types of the package only: those of its tests and of training take another minute.
check: lint
	$(DEV)/bin/pyright --level error

types: $(DEV)/.ready
	$(DEV)/bin/pyright --level error src

lint: $(DEV)/.ready
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/ruff check .
	$(DEV)/bin/lint-imports --no-cache

# Hours: what coverage leads to (Linux on x86-64; FUZZ_SECONDS), then 100,000 spoiled files of each format, and as many
# made-up arrays, through the depth doctor. Atheris is not among what make test sets up.
FUZZ_SECONDS ?= 3600
fuzz: $(DEV)/.ready
	$(DEV)/bin/pip install -q --disable-pip-version-check "atheris>=3.0"
	OMP_NUM_THREADS=1 $(PY) tests/formats/fuzz_depth.py build/fuzz $(FUZZ_SECONDS)
	DEPTHPAINT_MUTANTS=100000 DEPTHPAINT_EXAMPLES=100000 $(PY) -m pytest -q tests/formats/test_mutants.py tests/depth/test_any_samples.py

format: $(DEV)/.ready
	$(DEV)/bin/ruff format .
	$(DEV)/bin/ruff check --fix .

# What is made of the code: the pages of docs/reference and the types of keyword arguments. Then the site, in build/site;
# a broken link, a page that is not in mkdocs.yml, or a script or style sheet of another host is an error.
docs: $(DEV)/.ready
	$(DEV)/bin/pip install -q --disable-pip-version-check -c constraints.txt -e ".[docs]"
	$(PY) -m reference_pages
	$(DEV)/bin/ruff format -q src/depthpaint/paint_settings.py
	NO_MKDOCS_2_WARNING=1 $(DEV)/bin/mkdocs build --strict --quiet
	! grep -rnE '(src="|rel="stylesheet" href=")(https?:)?//' --include='*.html' build/site

# The files for a package index: wheel and source, checked.
package: $(DEV)/.ready
	$(DEV)/bin/pip install -q --disable-pip-version-check -c constraints.txt -e ".[package]"
	rm -rf dist
	$(PY) -m build --outdir dist .
	$(DEV)/bin/twine check --strict dist/*

# How the source is built, in numbers.
measure: $(DEV)/.ready
	$(PY) -m observations.measure src/depthpaint training peers

# How well the depth doctor reads files of known meaning, of scenes from formulas (docs/explanation/depth.md): some minutes.
# HALF=--chosen for the kinds of scene that thresholds may be tuned on, HALF=--held-out for the others.
doctor-bench: $(DEV)/.ready
	OMP_NUM_THREADS=1 $(PY) -m doctor_bench --count 6000 $(HALF)

bench: $(DEV)/.ready
	$(DEV)/bin/depthpaint bench --vs diffusers
	$(DEV)/bin/depthpaint bench --vs diffusers --rows 50 --repeats 3
	$(DEV)/bin/depthpaint bench --vs pillow

# Stable Diffusion at its full size with random weights: 6 GB of memory and disk for SD 1.5, 20 GB for SDXL.
parity-full: $(DEV)/.ready
	$(PY) -m pytest -q -s -m slow tests/parity/test_full_size.py tests/parity/test_compiled.py

bench-full: $(DEV)/.ready
	$(PY) tests/parity/full_size.py sd15 full-size/sd15
	$(DEV)/bin/depthpaint bench --vs diffusers --model full-size/sd15/model --control full-size/sd15/control --pictures 1 --repeats 2

# The variables keep glibc from handing every large buffer back to the kernel; they nearly halve a training step.
train: $(DEV)/.ready
	MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=99999999999 MALLOC_TOP_PAD_=268435456 $(PY) -m training diorama

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install -q --disable-pip-version-check --no-compile -c constraints.txt -e .
	touch $@

$(DEV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/pip install -q --disable-pip-version-check --no-compile -c constraints.txt -e ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) $(DEV) build dist
