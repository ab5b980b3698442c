# Each target sets up what it needs; a second run installs nothing.
#   make course   execute every lesson from scratch, write pages to _build/course, print the table
#   make test     test the package, and re-execute every lesson and compare its outputs
#   make lab      open JupyterLab on a working copy of the lessons
# More: make help

# By itself, make finds Python 3.13, 3.12 or 3.11 (tools/with_python.sh); PYTHON names another.
export PYTHON
# A checkout that cannot be written keeps its environment at home, unless one was made in it before.
AECOURSE_VENV ?= $(shell test -w . || test -e .venv/installed.json && echo .venv || echo "$$HOME/.aecourse/venv")
export AECOURSE_VENV
BIN := $(AECOURSE_VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
SET_UP := @sh tools/with_python.sh -m tools.setup_env
WORKERS ?= 2
# Or every kernel and every process of a test would compile the package again.
unexport PYTHONDONTWRITEBYTECODE
# Of pyproject's extras: what the course needs, the book, the tests of pages, and exports.
EXTRAS := --extra course --extra site --extra browser --extra onnx --extra excel
NBVAL := --nbval --nbval-current-env --nbval-cell-timeout=300
# One worker takes a whole file: a lesson's cells run in order in one kernel. conftest.py orders the files.
PARALLEL := -n $(WORKERS) --dist loadscope --no-loadscope-reorder

.PHONY: help setup setup-student repair course lab doctor lesson lesson-text format lint types hooks test test-package test-lessons test-portable test-elsewhere test-lowest test-hosted test-pyod \
        coverage bench bench-quality bench-scale bench-variants bench-grading bench-first-cell benchmark-digits grade-demo sweep assignments lock readme site site-open slides pdf quizzes clean

help:
	@echo "course         execute every lesson, write pages to _build/course, print one table"
	@echo "test           all tests, and every lesson re-executed and compared"
	@echo "lab            JupyterLab on work/, your own copy of the lessons"
	@echo "lesson         make the notebook of LESSON=06 from notebooks/text: written, executed, tidied"
	@echo "lesson-text    the other way round, after an edit in JupyterLab"
	@echo "format         format the code; lint and types check it, hooks check before each commit"
	@echo "doctor         check this machine and the environment"
	@echo "repair         remove the environment and install it again"
	@echo "test-portable  compare the lessons again as other processors compute them"
	@echo "test-elsewhere the lessons again as far as Windows and macOS can be simulated"
	@echo "test-lowest    the package's tests with the oldest versions that pyproject allows"
	@echo "test-hosted    the README's recipe and the lessons with a hosted notebook service's versions"
	@echo "test-pyod      the adapter for PyOD, where PyOD is installed"
	@echo "coverage       the package's tests with line coverage"
	@echo "grade-demo     grade a made-up class of 30, hard cases included, and open the report"
	@echo "sweep          the assignments' tests against forms, nonsense and the data of IDS=200 students"
	@echo "bench          training and scoring against Keras and PyOD; the detector on large tables"
	@echo "bench-quality  detection quality; DATA=folder of ADBench .npz files"
	@echo "bench-scale    a table of ROWS rows scored on two local Dask workers"
	@echo "bench-variants one start of the table of lesson 10, trained again and compared"
	@echo "bench-grading  seconds a submission takes in the grader; CLASSES=\"25 100\""
	@echo "bench-first-cell  seconds from a clone to the first answered cell; ARGS=--fresh with empty caches"
	@echo "benchmark-digits  one-class MNIST from nothing, compared with the scores of lesson 12"
	@echo "stored-NAME    make stored data again: stored-digits, -pipeline, -iris, -zeros, -latent, -pieces, -imbalanced, -variants, -scale, -detectors, -results; ARGS=..."
	@echo "assignments    make the assignments' notebooks from assignments/text"
	@echo "lock           resolve requirements.lock again"
	@echo "readme         write the generated tables of README.md"
	@echo "site           the course as a web book, in _build/site"
	@echo "site-open      the same, served on this machine and opened"
	@echo "slides         every lesson as slides, in _build/slides"
	@echo "pdf            every lesson as PDF, and the book, in _build/site/pdf"
	@echo "quizzes        self-checks and quizzes as Moodle XML, GIFT and QTI 2.1, in _build/quizzes"

lesson: setup
	@test -n "$(LESSON)" || { echo "name a lesson by its number: make lesson LESSON=06"; exit 2; }
	@"$(BIN)/python" -m tools.lesson make $(LESSON)

lesson-text: setup
	@test -n "$(LESSON)" || { echo "name a lesson by its number: make lesson-text LESSON=06"; exit 2; }
	@"$(BIN)/python" -m tools.lesson text $(LESSON)

format: setup
	"$(BIN)/ruff" format --exclude "*.ipynb" .
	"$(BIN)/ruff" check --fix .
	"$(BIN)/python" -m tools.lesson format

lint: setup
	"$(BIN)/ruff" format --check .
	"$(BIN)/ruff" check .
	"$(BIN)/codespell" $$(git ls-files)
	"$(BIN)/python" -m tools.lesson check

types: setup
	"$(BIN)/mypy"

hooks: setup
	"$(BIN)/pre-commit" install

# Everything, for instructors, authors and continuous integration.
setup:
	$(SET_UP) all

# What the lessons need, and no more; an environment with everything serves too.
setup-student:
	$(SET_UP) student

repair:
	$(SET_UP) repair

course: setup
	@"$(BIN)/python" -m tools.course

lab: setup-student
	@"$(BIN)/python" -m tools.lab

# No set-up first: the doctor looks at the environment as it is, if need be with another Python.
doctor:
	@if [ -x "$(BIN)/python" ]; then "$(BIN)/python" -m aecourse.doctor; \
	else sh tools/with_python.sh -m aecourse.doctor; fi

test: setup
	"$(BIN)/python" -m pytest $(PARALLEL) $(NBVAL) tests notebooks

test-package: setup
	"$(BIN)/python" -m pytest $(PARALLEL) tests

test-lessons: setup
	"$(BIN)/python" -m pytest $(PARALLEL) $(NBVAL) notebooks

# The stored outputs must not depend on the processor: without oneDNN; on a machine that has AVX2
# but not AVX-512 (in oneDNN, XLA, OpenBLAS and NumPy); and with as many threads in every kernel as the
# machine has cores, where `make test` divides the cores among its workers.
NO_ONEDNN := TF_ENABLE_ONEDNN_OPTS=0
AVX2_ONLY := ONEDNN_MAX_CPU_ISA=AVX2 XLA_FLAGS=--xla_cpu_max_isa=AVX2 OPENBLAS_CORETYPE=Haswell \
             NPY_DISABLE_CPU_FEATURES="AVX512F AVX512CD AVX512_SKX"
ALL_CORES := AECOURSE_SHARE_CORES=0
LESSONS ?= notebooks
# The doctor, the book and the lessons where what Linux alone has is missing for the course's code (tests/elsewhere).
ELSEWHERE := PYTHONPATH=tests/elsewhere PYTHONIOENCODING=cp1252 PYTHONUTF8=0 AECOURSE_MINUTES=0
test-elsewhere: setup
	$(ELSEWHERE) "$(BIN)/python" -m aecourse.doctor
	$(ELSEWHERE) "$(BIN)/python" -m tools.book -o "_build/größer als sonst, 日本/site"
	$(ELSEWHERE) "$(BIN)/python" -m pytest $(PARALLEL) $(NBVAL) $(LESSONS)

test-portable: setup
	AECOURSE_MINUTES=0 $(NO_ONEDNN) "$(BIN)/python" -m pytest $(PARALLEL) $(NBVAL) $(LESSONS)
	AECOURSE_MINUTES=0 $(AVX2_ONLY) "$(BIN)/python" -m pytest $(PARALLEL) $(NBVAL) $(LESSONS)
	AECOURSE_MINUTES=0 $(ALL_CORES) "$(BIN)/python" -m pytest $(PARALLEL) $(NBVAL) $(LESSONS)

# An environment of its own, made from constraints: $(call other,FOLDER,OPTIONS OF uv pip compile)
define other
	"$(BIN)/python" -m venv --clear $(1)
	"$(BIN)/python" -m uv pip compile --quiet $(2) pyproject.toml -o $(1)/requirements.txt
	"$(BIN)/python" -m uv pip sync --quiet --python $(1)/bin/python --compile-bytecode $(1)/requirements.txt
	"$(BIN)/python" -m uv pip install --quiet --python $(1)/bin/python pip
endef

test-lowest: setup
	$(call other,.venv-lowest,--resolution lowest-direct $(EXTRAS))
	"$(BIN)/python" -m uv pip install --quiet --python .venv-lowest/bin/python --no-deps --editable .
	.venv-lowest/bin/python -m pytest $(PARALLEL) tests

# The README's recipe for hosted notebooks in one kernel, then every lesson, with such a service's versions.
test-hosted: setup
	$(call other,.venv-hosted,--constraints tools/hosted.txt --extra course)
	.venv-hosted/bin/python -m tools.hosted
	AECOURSE_MINUTES=0 .venv-hosted/bin/python -m pytest $(PARALLEL) $(NBVAL) notebooks

# Needs PyOD and PyTorch: pip install "aecourse[bench]", with a CPU build of torch first.
test-pyod: setup
	"$(BIN)/python" -c "import pyod"
	"$(BIN)/python" -m pytest -q tests/test_pyod.py

coverage: setup
	"$(BIN)/python" -m pytest $(PARALLEL) --cov --cov-report=term-missing tests

bench: setup
	"$(BIN)/python" -m benchmarks.bench_training --out _build/bench
	"$(BIN)/python" -m benchmarks.bench_detector --out _build/bench

DATA ?= ../shared/data/adbench
bench-quality: setup
	"$(BIN)/python" -m benchmarks.bench_quality --data $(DATA) --out _build/bench

ROWS ?= 2000000
bench-scale: setup
	"$(BIN)/python" -m benchmarks.bench_scale --rows $(ROWS) --out _build/bench

bench-variants: setup
	"$(BIN)/python" -m benchmarks.bench_variants

CLASSES ?= 25 100
bench-grading: setup
	"$(BIN)/python" -m benchmarks.bench_grading $(CLASSES)

# The seconds from a clone to the first answered cell; ARGS=--fresh with empty caches.
bench-first-cell: setup
	"$(BIN)/python" -m benchmarks.bench_first_cell $(ARGS)

benchmark-digits: setup
	"$(BIN)/python" -m benchmarks.bench_digits

# What lessons read from notebooks/data, assignment 4 from aecourse/data, the book's pieces from docs/pieces.
stored-%: setup
	"$(BIN)/python" -m tools.make_$* $(ARGS)

assignments: setup
	"$(BIN)/python" -m tools.make_release

COMPILE := --quiet --universal --generate-hashes --python-version 3.11 \
           --custom-compile-command "make lock"
lock: setup
	"$(BIN)/python" -m uv pip compile $(COMPILE) $(EXTRAS) --extra dev pyproject.toml -o requirements.lock
	"$(BIN)/python" -m uv pip compile $(COMPILE) --extra student --constraints requirements.lock \
	  pyproject.toml -o requirements-student.lock

# Every assignment: the same answers in many forms, nonsense in every place, the model solution for many ids.
IDS ?= 200
sweep: setup
	"$(BIN)/python" -m tools.sweep --ids $(IDS)

grade-demo: setup
	@"$(BIN)/python" -m tools.made_up_class

readme: setup
	"$(BIN)/python" -m tools.readme

site: setup
	@"$(BIN)/python" -m tools.book

slides: setup
	@"$(BIN)/python" -m tools.slides

# Needs Chromium from the system's packages.
pdf: setup
	@"$(BIN)/python" -m tools.pdf

quizzes: setup
	@"$(BIN)/python" -m tools.quizzes

site-open: setup
	@"$(BIN)/python" -m tools.book --serve

clean:
	rm -rf _build .pytest_cache .hypothesis .venv-lowest .venv-hosted .venv-uv
