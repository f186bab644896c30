# adiff: make help lists the targets.  V=1 shows the commands, DEBUG=1 and ASAN=1 build variants beside the normal one.
SHELL   := /bin/bash
BUILD   ?= build$(if $(ASAN),/asan,$(if $(DEBUG),/debug))
ARCH    ?= native
PREFIX  ?= /usr/local
NP      ?= 2
JOBS    ?= $(shell nproc 2>/dev/null || echo 2)
Q       := $(if $(V),,@)
comma   := ,
ifeq ($(PYTHON),)
PYTHON  := $(shell jobs/find_python.sh)
endif

# --- libraries: pkg-config, which PETSC_DIR and SLEPC_DIR (with PETSC_ARCH) extend on a cluster ---
CC       = mpicc
extra_pc := $(if $(PETSC_DIR),$(PETSC_DIR)/$(PETSC_ARCH)/lib/pkgconfig:$(PETSC_DIR)/lib/pkgconfig:)$(if $(SLEPC_DIR),$(SLEPC_DIR)/$(PETSC_ARCH)/lib/pkgconfig:$(SLEPC_DIR)/lib/pkgconfig:)
PKG      := PKG_CONFIG_PATH=$(extra_pc)$(PKG_CONFIG_PATH) pkg-config
HDF5     := $(if $(HDF5_DIR),,$(shell for p in hdf5-openmpi hdf5-mpich hdf5; do $(PKG) --exists $$p 2>/dev/null && { echo $$p; break; }; done))
ZLIB     := $(shell $(PKG) --exists zlib 2>/dev/null && echo zlib)
LIBS     := $(shell $(PKG) --cflags --libs SLEPc PETSc $(HDF5) $(ZLIB) 2>/dev/null)
hdf5_dir := $(if $(HDF5_DIR),-I$(HDF5_DIR)/include -L$(HDF5_DIR)/lib -Wl$(comma)-rpath$(comma)$(HDF5_DIR)/lib -lhdf5)

CFLAGS   += -std=c11 -D_GNU_SOURCE -g -Wall -Wextra -Wno-unused-parameter -ffp-contract=off -fno-math-errno -MMD -MP -Isrc/include
CFLAGS   += $(if $(DEBUG)$(ASAN),-O1,-O3 -march=$(ARCH)) $(if $(ASAN),-fsanitize=address$(comma)undefined -fno-omit-frame-pointer)
CFLAGS   += $(filter -I% -D%,$(LIBS) $(hdf5_dir))
LDLIBS   += $(filter -L% -l% -Wl%,$(LIBS) $(hdf5_dir)) -llapack -lblas -lz -lm $(if $(ASAN),-fsanitize=address$(comma)undefined)

flags    := $(CC) $(CFLAGS)

SOURCES  := $(sort $(wildcard src/*/*.c solvers/*.c analysis/*/*.c))
OBJECTS  := $(SOURCES:%.c=$(BUILD)/%.o)
TESTS    := $(sort $(wildcard tests/*.c))
TESTOBJ  := $(TESTS:%.c=$(BUILD)/%.o)
ALLC     := src/main.c $(SOURCES) $(TESTS) tests/bench/bench.c
HEADERS  := $(wildcard src/include/*.h src/include/private/*.h tests/*.h)
FIGURES  := fig1 fig2 fig2a fig3a fig3b fig6 fig9 figA1 figA2 figA3 figA4 figA5 fig_clock fig_speciation fig_transition
STUDIES  := compare losses
COMMIT   := $(shell git describe --always --dirty 2>/dev/null || echo unknown)

# Debian's Open MPI in containers (root), more ranks than cores, and one BLAS thread a rank
export OMPI_ALLOW_RUN_AS_ROOT ?= 1
export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM ?= 1
export OMPI_MCA_rmaps_base_oversubscribe ?= 1
export OMPI_MCA_mpi_yield_when_idle ?= 1
export OPENBLAS_NUM_THREADS ?= 1
export OMP_NUM_THREADS ?= 1
export PYTHON
export ADIFF := $(BUILD)/adiff

.PHONY: all help info run check check-slow check-one check-mpi check-cli check-style bench format format-check lint clean \
        install setup data figures $(FIGURES) $(STUDIES) job layers
all: $(BUILD)/adiff ## build adiff (the default)

help: ## list the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' Makefile
	@for figure in $(FIGURES) $(STUDIES); do printf '  %-14s %s\n' $$figure "$$(sed -n '2s/^# //p' jobs/$$figure.sh)"; done
	@echo "  variables      V=1 DEBUG=1 ASAN=1 ARCH=$(ARCH) PREFIX=$(PREFIX); of run and figures NP=$(NP) (ranks) FULL=1 QUICK=1"

info: ## say what was found
	@echo "compiler  $$($(CC) --version 2>/dev/null | head -1)"; echo "mpi       $$(mpirun --version 2>/dev/null | head -1)"
	@for p in PETSc SLEPc $(HDF5) openblas zlib check; do echo "$$p  $$($(PKG) --modversion $$p 2>/dev/null || echo missing)"; done
	@echo "python    $(if $(PYTHON),$(PYTHON) with h5py and matplotlib,missing h5py or matplotlib)"; echo "cflags    $(CFLAGS)"

setup: ## install what is missing (apt, when allowed), else name it
	@jobs/setup.sh
data: ## fetch MNIST, find Fashion-MNIST and CIFAR-10, check them (ADIFF_DATA=folder, data unless given)
	@jobs/data.sh

# --- build ---
$(BUILD)/commit: FORCE
	@mkdir -p $(@D); echo '$(COMMIT)' | cmp -s - $@ || echo '$(COMMIT)' > $@
$(BUILD)/flags: FORCE
	@mkdir -p $(@D); echo '$(flags)' | cmp -s - $@ || echo '$(flags)' > $@
FORCE:
$(BUILD)/src/base/output.o $(BUILD)/src/main.o: $(BUILD)/commit
$(BUILD)/src/base/output.o $(BUILD)/src/main.o: CFLAGS += -DADIFF_COMMIT='"$(COMMIT)"'

$(BUILD)/%.o: %.c $(BUILD)/flags
	@$(if $(LIBS),,echo "adiff: PETSc, SLEPc or HDF5 not found by pkg-config; 'make setup' installs or names them" >&2; exit 2)
	@mkdir -p $(@D); $(if $(V),,echo "  cc    $<")
	$(Q)$(CC) $(CFLAGS) -c -o $@ $<

$(BUILD)/adiff: $(BUILD)/src/main.o $(OBJECTS)
	@$(if $(V),,echo "  link  $@")
	$(Q)$(CC) -o $@ $^ $(LDLIBS)

$(TESTOBJ): CFLAGS += $(shell $(PKG) --cflags check 2>/dev/null)
$(BUILD)/check: $(TESTOBJ) $(OBJECTS)
	@$(if $(V),,echo "  link  $@")
	$(Q)$(CC) -o $@ $^ $(shell $(PKG) --libs check) $(LDLIBS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# --- run and check: set-up included ---
build_all = $(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS))
run: setup ## the main job: alanine dipeptide, ends in a table and a figure
	@$(build_all) all
	@$(MAKE) --no-print-directory job JOB=run_alanine

$(FIGURES) $(STUDIES): setup
	@$(build_all) all
	@$(MAKE) --no-print-directory job JOB=$@
figures: setup ## all figures, one after the other (FULL=1: the paper's sizes, QUICK=1: does it all work?)
	@$(build_all) all
	@for figure in $(FIGURES); do $(MAKE) --no-print-directory job JOB=$$figure || exit 1; done
job: # in a make of its own, which sees what setup has installed
	@NP=$(NP) jobs/$(JOB).sh

check: setup ## all tests
	@$(build_all) all $(BUILD)/check
	@for stage in check-style check-mpi check-cli; do $(MAKE) --no-print-directory $$stage || exit 1; done
	@echo "check: all passed"

check-mpi: $(BUILD)/check $(BUILD)/adiff ## unit tests on 1, 2 and 3 ranks
	@for n in 1 2 3; do echo "== unit tests on $$n ranks"; timeout 300 mpirun -q -n $$n $(BUILD)/check || exit 1; done
check-one: $(BUILD)/check ## one suite: make check-one SUITE=kernel NP=1
	@CK_RUN_SUITE=$(SUITE) timeout 600 mpirun -q -n $(NP) $(BUILD)/check
check-cli: $(BUILD)/adiff ## command-line tests: errors, rank independence, resume
	@tests/cli/run.sh
check-slow: $(BUILD)/adiff ## statistics and figures that take minutes
	@tests/cli/slow.sh
check-style: format-check layers
layers: ## a file may include only its own or lower layers
	@tests/layers.sh

bench: $(BUILD)/bench ## speed, one JSON line each, beside PyTorch where it is installed
	@BENCH=$(BUILD)/bench jobs/bench.sh
$(BUILD)/bench: $(BUILD)/tests/bench/bench.o $(OBJECTS)
	@$(if $(V),,echo "  link  $@")
	$(Q)$(CC) -o $@ $^ $(LDLIBS)

# --- care ---
format: ## clang-format all sources
	@clang-format -i $(ALLC) $(HEADERS)
format-check: ## fail when a source is not formatted (skipped without clang-format 14)
	@if clang-format --version 2>/dev/null | grep -q 'version 14'; then clang-format --dry-run -Werror $(ALLC) $(HEADERS); \
	else echo "format-check: SKIP (needs clang-format 14)"; fi
lint: ## cppcheck and clang-tidy
	@cppcheck -q --std=c11 --enable=warning,performance,portability --error-exitcode=1 --inline-suppr --suppress=missingIncludeSystem \
	  -Isrc/include -Itests -j2 src solvers analysis
	@mkdir -p $(BUILD); clang-tidy --quiet $(filter-out tests/%,$(ALLC)) -- $(filter-out -MMD -MP,$(CFLAGS)) -DADIFF_COMMIT='""' $$(mpicc --showme:compile) 2>&1 | grep -v 'warnings generated' | grep -v '^Suppressed' | tee $(BUILD)/tidy.log; ! grep -q 'warning:\|error:' $(BUILD)/tidy.log
	@shellcheck jobs/*.sh tests/*.sh tests/cli/*.sh .ci/run

install: $(BUILD)/adiff ## install to PREFIX (DESTDIR is honoured)
	install -D -m 755 $(BUILD)/adiff $(DESTDIR)$(PREFIX)/bin/adiff
	install -d $(DESTDIR)$(PREFIX)/share/adiff && cp -r inputs postproc jobs README.md $(DESTDIR)$(PREFIX)/share/adiff/

clean: ## remove build/
	rm -rf build
