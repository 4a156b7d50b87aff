# make run: a first picture.  make test: everything.  Both set up what they need.
PYTHON ?= python3
VENV := .venv
DEV := .venv-dev
RUN := $(VENV)/bin/depthpaint
PY := $(DEV)/bin/python

.PHONY: run test test-ray check format bench bench-full parity-full train fuzz clean

run: $(VENV)/.ready
	$(RUN) generate examples/house-in-the-forest.png "a house in the forest with orange trees, a turquoise house and a brown roof, in autumn, on an overcast day" --name first-picture --overwrite

# Two processes of one thread each: in one of two threads, most tests leave the second core idle.
test: check
	OMP_NUM_THREADS=1 $(PY) -m pytest -q -n 2

check: $(DEV)/.ready
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/ruff check .
	$(DEV)/bin/pyright --level error
	$(DEV)/bin/lint-imports --no-cache

# Hours: 100,000 spoiled files of each format, and as many made-up arrays, through the depth doctor.
fuzz: $(DEV)/.ready
	DEPTHPAINT_MUTANTS=100000 DEPTHPAINT_EXAMPLES=100000 $(PY) -m pytest -q tests/depth/formats/test_mutants.py tests/depth/test_any_samples.py

# What needs Ray, which is not among what make test sets up.
test-ray: $(DEV)/.ready
	$(DEV)/bin/pip install -q --disable-pip-version-check -c constraints.txt -e ".[ray]"
	$(PY) -m pytest -q -m "full or not slow" tests/batch/test_on_ray.py tests/study/test_painting.py

format: $(DEV)/.ready
	$(DEV)/bin/ruff format .
	$(DEV)/bin/ruff check --fix .

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
	MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=99999999999 MALLOC_TOP_PAD_=268435456 $(DEV)/bin/depthpaint train diorama

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install -q --disable-pip-version-check --no-compile -c constraints.txt -e .
	touch $@

$(DEV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/pip install -q --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) $(DEV) build dist
