# dkl: the library, the program, its tests, its benchmark and its report.
#
#   make                 the library, build/dkl and build/dkl-train
#   make help            every target in a line
#
# Settings, on the command line or in the environment:
#
#   CC=clang             another compiler          CFLAGS=-march=native   after the project's own
#   MODE=asan            with ASan and UBSan       WERROR=1               warnings are errors
#   OPENMP=no            leave an optional part out (yes: demand it; otherwise a probe decides)
#   PREFIX=/usr DESTDIR=/tmp/package               where `make install` puts things
#
# `./setup TARGET...` installs the Debian packages that a target needs, then runs make.

.DEFAULT_GOAL := all

# ---- Configuration -------------------------------------------------------------------------

ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin CXX),default)
CXX := g++
endif
MODE ?= release
OPENMP ?= auto
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DATADIR ?= $(PREFIX)/share
VERSION := $(shell sed -n 's/.*define DKL_VERSION "\(.*\)"/\1/p' kernels/dkl.h)
SONAME := libdkl.so.$(firstword $(subst ., ,$(VERSION)))

# A configuration has a directory of its own, named by compiler and mode; settings that change
# what is compiled add their checksum, so that two configurations never share an object.
SETTINGS := $(strip $(filter-out $(notdir $(firstword $(CC))),$(CC)) $(CPPFLAGS) $(CFLAGS) \
              $(LDFLAGS) $(filter-out auto,$(OPENMP)))
CONFIG := $(notdir $(firstword $(CC)))-$(MODE)$(if $(SETTINGS),-$(firstword \
              $(shell printf '%s' '$(SETTINGS)' | cksum)))
B := build/$(CONFIG)
# The links build/dkl and build/dkl-train lead to this one, whatever else is built.
DEFAULT_CONFIG := gcc-release

MODE_release :=
MODE_asan := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
ifeq ($(filter release asan,$(MODE)),)
$(error MODE=$(MODE) is neither release nor asan)
endif
# The bounds hold for operations that are rounded one by one: nothing contracted or reordered.
DIALECT := -std=c11 -g -Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes \
           $(if $(WERROR),-Werror) -ffp-contract=off
# What is built does not tell where: debug information, too, names files relative to the checkout,
# which gcc calls by PWD if that leads here.
export PWD := $(CURDIR)
MAP := -ffile-prefix-map='$(CURDIR)=.'

# ---- Optional parts ------------------------------------------------------------------------
# verify/probe compiles and runs a program, once per configuration, says what it found and writes
# NAME_FLAGS.

$(B)/openmp.mk: verify/probe verify/probes/openmp.c
	@verify/probe openmp '$(OPENMP)' $@ -fopenmp $(CC) $(MODE_$(MODE)) $(CFLAGS) \
	  verify/probes/openmp.c
ifneq ($(filter-out help clean format format-check uninstall,$(or $(MAKECMDGOALS),all)),)
include $(B)/openmp.mk
endif

# ---- What is built from what ---------------------------------------------------------------

KERNELS := $(wildcard kernels/*.c)
REFERENCE := $(wildcard reference/*.c)
VERIFY := $(wildcard verify/*.c)
PRIMITIVES := $(wildcard verify/primitives/*.c)
BENCH := $(wildcard bench/*.c)
TRAIN := $(wildcard bench/train/*.c)
TESTS := $(wildcard verify/tests/test_*.c)
SOURCES := $(KERNELS) $(REFERENCE) $(VERIFY) $(PRIMITIVES) $(BENCH) $(TRAIN) $(TESTS)
PLOTS := $(wildcard plots/*.gp plots/*.css)
objects = $(patsubst %.c,$(B)/%.o,$(1))
# Row functions are compiled once more for processors with a fused multiply-add: the same bits,
# without a function call for each.
VARIANTS := $(if $(findstring x86_64,$(shell $(CC) -dumpmachine)),$(addprefix kernels/,scalar \
              textbook expanded pairwise prior_row))
KERNEL_OBJECTS = $(call objects,$(KERNELS)) $(VARIANTS:%=$(B)/%.fma.o)
# So are the loops that measure what a processor can, for its widest vectors, too.
LIMIT_OBJECTS := $(if $(VARIANTS),$(addprefix $(B)/bench/limit_loops.,fma.o avx512.o))

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all help test tests verify bench plots report install uninstall sanitize format \
        format-check lint layers logits records stability tables compare compare-trials \
        exhaustive search run-exhaustive run-search check-accuracy accuracy check-instructions \
        instructions kill-trials ci clean objects FORCE

all: $(B)/libdkl.a $(B)/libdkl.so.$(VERSION) $(B)/dkl $(B)/dkl-train
ifeq ($(CONFIG),$(DEFAULT_CONFIG))
	@ln -sfn $(CONFIG)/dkl build/dkl
	@ln -sfn $(CONFIG)/dkl-train build/dkl-train
else
	@echo 'built $(B)/dkl and $(B)/dkl-train; build/dkl is left to the default configuration'
endif

help:
	@echo 'all           library, build/dkl, build/dkl-train (default)'
	@echo 'test          layers and every test; sanitize: those of the code under ASan and UBSan'
	@echo 'verify        verdicts on every implementation: results/verify.jsonl; FULL=1: on all'
	@echo '              families, losses, options and shapes, in as many runs as it takes'
	@echo 'bench         verify, timings, real logits, report: results/report.html; FULL=1: every'
	@echo '              shape that dkl bench --shapes names'
	@echo 'ci            test, verify, check-accuracy and check-instructions, all of them whatever'
	@echo '              fails: results/junit.xml, results/report.html'
	@echo 'check-accuracy      worst errors against bench/accuracy.txt; accuracy: writes it'
	@echo 'check-instructions  instruction counts against bench/instructions.txt; instructions: ...'
	@echo 'kill-trials   kills verify and bench 50 times each and looks at their records'
	@echo 'report plots  the report again, from the records that are there'
	@echo 'compare       this tree against revision BASE, in a minute or two; ROUNDS (24),'
	@echo '              THRESHOLD (3%), OPTIONS of dkl bench; compare-trials: its error rates, TRIALS (20)'
	@echo 'logits        trains the networks whose logits are the real input'
	@echo 'records       the recorded runs that documents quote, into bench/records/; stability:'
	@echo '              those of reference/stability.md alone'
	@echo 'tables        the tables that documents quote, from the program and the records'
	@echo 'exhaustive    every float through every primitive: reference/exhaustive.txt'
	@echo 'search        doubles at which primitives err most: verify/primitives/worst_f64.txt'
	@echo 'install       to $$(DESTDIR)$$(PREFIX); uninstall takes away what install put there'
	@echo 'lint          clang, warnings are errors; layers: the direction of the includes'
	@echo 'format        clang-format; format-check only tells'
	@echo 'objects       compiles every source; tests: links the test programs'
	@echo 'clean         removes build/, never results/'

# ---- Compiling -----------------------------------------------------------------------------
# Dependencies run one way, so a folder sees its own headers and those below it. -iquote, because
# with -I bench/memory.h would hide the system's <memory.h>.

library = $(or $(shell pkg-config $(1) $(2) 2>/dev/null),$(3))
KERNEL_FLAGS := -O3 -fPIC -fvisibility=hidden
LOOK_REFERENCE := -iquote kernels $(call library,--cflags,mpfr)
LOOK_VERIFY := $(LOOK_REFERENCE) -iquote reference
LOOK_BENCH := $(LOOK_VERIFY) -iquote verify $(call library,--cflags,jansson popt hwloc)
LOOK_TRAIN := $(call library,--cflags,openblas jansson popt zlib)
LOOK_TESTS := $(LOOK_BENCH) -iquote bench -iquote verify/primitives $(call library,--cflags,cmocka)
# Without OpenMP its pragmas are comments.
OMP := $(or $(openmp_FLAGS),-Wno-unknown-pragmas)
# Tests run in the root of the repository.
TEST_DEFINES := -DGOLDEN_DIR='"verify/golden"' -DPLOTS_DIR='"plots"' -DBUILD_DIR='"$(B)"' \
                -DDKL_PROGRAM='"$(B)/dkl"' -DDKL_TRAIN='"$(B)/dkl-train"'

$(B)/kernels/%.o: FOLDER = $(KERNEL_FLAGS)
$(B)/reference/%.o: FOLDER = -O2 $(LOOK_REFERENCE)
$(B)/reference/bounds.o $(B)/reference/bounds%.o: FOLDER = -O2 $(LOOK_REFERENCE) -frounding-math
$(B)/verify/%.o: FOLDER = -O2 $(OMP) $(LOOK_VERIFY)
$(B)/verify/primitives/%.o: FOLDER = -O3 $(OMP) $(LOOK_VERIFY)
$(B)/bench/%.o: FOLDER = -O2 $(OMP) $(LOOK_BENCH)
$(B)/bench/train/%.o: FOLDER = -O2 $(LOOK_TRAIN)
$(B)/verify/tests/%.o: FOLDER = -O1 $(LOOK_TESTS) $(TEST_DEFINES)
COMPILE = $(CC) $(DIALECT) $(MAP) $(FOLDER) $(MODE_$(MODE)) $(CPPFLAGS) $(CFLAGS) $(OWN)

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(COMPILE) -MMD -MP -c $< -o $@
$(B)/%.fma.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(COMPILE) -mfma -DKERNEL_VARIANT_FMA -MMD -MP -c $< -o $@
$(VARIANTS:%=$(B)/%.o): OWN = -DKERNEL_HAS_FMA_VARIANT
$(B)/bench/limit_loops.o: FOLDER = $(KERNEL_FLAGS) -iquote kernels
$(B)/bench/limit_loops.fma.o $(B)/bench/limit_loops.avx512.o: bench/limit_loops.c $(B)/flags
	@mkdir -p $(@D)
	$(COMPILE) $(KERNEL_FLAGS) -iquote kernels $(VECTORS) -MMD -MP -c $< -o $@
$(B)/bench/limit_loops.fma.o: VECTORS = -mfma -DLIMIT_LOOPS=fma
$(B)/bench/limit_loops.avx512.o: VECTORS = -mfma -mavx512f -mprefer-vector-width=512 \
                                           -DLIMIT_LOOPS=avx512
-include $(patsubst %.o,%.d,$(call objects,$(SOURCES)) $(KERNEL_OBJECTS) $(LIMIT_OBJECTS))

# A file whose time changes only when its text does: then what depends on it is made again.
text = '$(subst ','\'',$(strip $(1)))'
write = @mkdir -p $(@D); printf '%s\n' $(1) | cmp -s - $@ || printf '%s\n' $(1) >$@
$(B)/flags: FORCE
	$(call write,$(call text,$(CC) $(DIALECT) $(MAP) $(MODE_$(MODE)) $(OMP) $(KERNEL_FLAGS)))
$(B)/prefix: FORCE
	$(call write,$(call text,$(DATADIR)))
$(B)/commit: FORCE
	$(call write,"$$(commit=$$(git rev-parse HEAD 2>/dev/null) && \
	  dirty=$$(test -z "$$(git status --porcelain)"; echo $$?) && \
	  echo "-DBUILD_COMMIT='\"$$commit\"' -DBUILD_DIRTY=$$dirty")")

# The record of a machine says how and from which commit its program was built.
$(B)/bench/machine.o: $(B)/commit
$(B)/bench/machine.o: OWN = $(shell cat $(B)/commit 2>/dev/null) -DBUILD_FLAGS='"$(strip $(DIALECT) \
    $(KERNEL_FLAGS) $(MODE_$(MODE)) $(CPPFLAGS) $(CFLAGS))"'
# The program knows where its plots will be installed.
$(B)/bench/command_report.o: $(B)/prefix
$(B)/bench/command_report.o: OWN = -DDKL_PLOTS_DIR='"$(DATADIR)/dkl/plots"'

# ---- Linking -------------------------------------------------------------------------------

DKL_LIBS := -lmpfi $(call library,--libs,mpfr gmp,-lmpfr -lgmp) \
            $(call library,--libs,jansson popt hwloc,-ljansson -lpopt -lhwloc) -lm
TRAIN_LIBS := $(call library,--libs,openblas,-lopenblas) \
              $(call library,--libs,jansson popt zlib,-ljansson -lpopt -lz) -lm
LINK = $(CC) $(MODE_$(MODE)) $(openmp_FLAGS) $(CFLAGS) $(LDFLAGS) -Wl,--as-needed
ARCHIVES := $(addprefix $(B)/,bench.a train.a verify.a reference.a)

# One object whose hidden names are local: the static library, too, defines dkl_* alone.
$(B)/libdkl.a: $(KERNEL_OBJECTS)
	@rm -f $@
	$(LD) -r $^ -o $(B)/libdkl.o
	objcopy --localize-hidden $(B)/libdkl.o
	$(AR) rcs $@ $(B)/libdkl.o
$(B)/libdkl.so.$(VERSION): $(KERNEL_OBJECTS)
	$(CC) $(MODE_$(MODE)) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(SONAME) $^ -o $@ -lm

# For tests, the kernels with every name.
$(B)/kernels.a: $(KERNEL_OBJECTS)
$(B)/reference.a: $(call objects,$(REFERENCE))
$(B)/verify.a: $(call objects,$(VERIFY) verify/primitives/primitive.c)
$(B)/bench.a: $(call objects,$(filter-out bench/main.c bench/count.c,$(BENCH))) $(LIMIT_OBJECTS)
$(B)/train.a: $(call objects,$(filter-out bench/train/train.c,$(TRAIN)))
$(ARCHIVES) $(B)/kernels.a:
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/dkl: $(B)/bench/main.o $(B)/bench.a $(B)/verify.a $(B)/reference.a $(B)/libdkl.a
	$(LINK) $^ -o $@ $(DKL_LIBS)
$(B)/exhaustive $(B)/search: $(B)/%: $(B)/verify/primitives/%.o $(B)/verify/primitives/primitive.o
	$(LINK) $^ -o $@ $(DKL_LIBS)
$(B)/count: $(B)/bench/count.o $(B)/verify.a $(B)/reference.a $(B)/libdkl.a
	$(LINK) $^ -o $@ $(DKL_LIBS)
$(B)/dkl-train: $(B)/bench/train/train.o $(B)/train.a $(B)/verify.a
	$(LINK) $^ -o $@ $(TRAIN_LIBS)

# ---- Tests ---------------------------------------------------------------------------------
# verify/tests/test_NAME.c is a cmocka program that may call anything but the two main functions;
# verify/tests/test_NAME.sh a script. Both print TAP, prove counts.

TEST_PROGRAMS := $(patsubst verify/tests/%.c,$(B)/tests/%,$(TESTS))
TEST_SCRIPTS := $(wildcard verify/tests/test_*.sh)
$(B)/tests/%: $(B)/verify/tests/%.o $(ARCHIVES) $(B)/kernels.a
	@mkdir -p $(@D)
	$(LINK) $^ -o $@ $(call library,--libs,cmocka,-lcmocka) $(DKL_LIBS) $(TRAIN_LIBS)

# Programs whose kernels are wrong in one place; test_mutants asks that each is found out.
MUTANTS := $(addprefix $(B)/mutants/,$(addsuffix /dkl,$(shell \
             sed -n 's/^\([a-z][a-z0-9-]*\) *|.*/\1/p' verify/mutants.list)))
$(B)/mutants/%/dkl: verify/mutate verify/mutants.list $(wildcard kernels/*) $(B)/bench/main.o \
                    $(B)/bench.a $(B)/verify.a $(B)/reference.a
	@verify/mutate verify/mutants.list $* $(@D)
	@echo mutant $*
	@$(LINK) $(DIALECT) -w -O1 $(@D)/kernels/*.c $(filter %.o %.a,$^) -o $@ $(DKL_LIBS)
.PRECIOUS: $(B)/%.o

# Mutants judge the checks and the install test the Makefile: once, in the release build.
ONCE := $(if $(filter release,$(MODE)),,test_mutants $(notdir $(TEST_SCRIPTS:.sh=)))
RUN := $(foreach t,$(sort $(TEST_PROGRAMS)) $(TEST_SCRIPTS),$(if \
         $(filter $(ONCE),$(basename $(notdir $(t)))),,$(t)))
tests: $(TEST_PROGRAMS) $(B)/count $(if $(ONCE),,$(MUTANTS))
test: all tests layers
	@$(if $(ONCE),echo 'left to MODE=release: $(ONCE)')
	@rm -f $(B)/times $(B)/sanitizer.*
	@ASAN_OPTIONS=allocator_may_return_null=1:log_path='$(CURDIR)/$(B)/sanitizer' \
	  UBSAN_OPTIONS=print_stacktrace=1:log_path='$(CURDIR)/$(B)/sanitizer.ub' \
	  B='$(B)' TIMES='$(B)/times' MAKE='$(MAKE)' CC='$(CC)' CXX='$(CXX)' MODE='$(MODE)' \
	  CFLAGS='$(CFLAGS)' CPPFLAGS='$(CPPFLAGS)' LDFLAGS='$(LDFLAGS)' OPENMP='$(OPENMP)' \
	  WERROR='$(WERROR)' PREFIX='$(PREFIX)' \
	  prove --exec 'perl verify/tests/tap' $(RUN)
	@sort -rn $(B)/times | awk 'NR <= 3 { print "slowest, seconds:", $$1, $$2 } \
	  { passed += $$3; failed += $$4 } END { print "tests: " passed " passed, " failed " failed" }'

# A test that wants a program to fail would take a sanitizer's report for that: look for them.
sanitize:
	$(MAKE) MODE=asan test; status=$$?; \
	  ! grep -hs -A 30 'ERROR: \|runtime error: ' build/*-asan*/sanitizer.* && exit $$status

objects: $(call objects,$(SOURCES))
CLANG = $(firstword $(notdir $(shell command -v clang-14 || command -v clang)))
lint:
	@[ -n '$(CLANG)' ] || { echo 'lint needs clang: ./setup lint' >&2; exit 1; }
	$(MAKE) CC=$(CLANG) WERROR=1 objects
layers: objects
	@verify/layers $(B)

FORMATTED = $(wildcard $(foreach d,kernels reference verify verify/primitives verify/probes \
              verify/tests bench bench/train,$(d)/*.[ch]))
format format-check:
	@if command -v clang-format >/dev/null; then \
	  clang-format $(if $(filter format,$@),-i,--dry-run -Werror) $(FORMATTED); \
	else echo 'NOT DONE: $@ needs clang-format (./setup $@)' >&2; fi

# ---- Runs ----------------------------------------------------------------------------------
# A verdict or a figure is of one run: each file begins anew, the last timings stay beside.

RECORDS := results/verify.jsonl results/sweep.jsonl results/bench.jsonl
LOGITS := results/logits/logits.json
VERIFY_RUN = rm -f results/verify.jsonl && $(B)/dkl verify --out results/verify.jsonl
# What the pictures of the report draw curves through: every loss and type over one parameter at a
# time. Spreads end where the type no longer tells teacher and student apart.
SPREADS_f32 := 1 1e-1 1e-2 1e-3 1e-4 1e-5 1e-6
SPREADS_f64 := $(SPREADS_f32) 1e-8 1e-10 1e-12
SCALES := 0.01 0.1 1 5 15 100
OFFSETS := 1e2 1e4 1e6 1e8 1e16 1e30
comma := ,
commas = $(subst $(eval) ,$(comma),$(strip $(1)))
SWEEP = $(B)/dkl verify --checks enclosure --loss kl,dkl,dkl-ba,dkl-gi,ikl,gkl \
        --out results/sweep.jsonl >>results/sweep.txt
SWEEP_TYPE = $(SWEEP) --dtype $(1) --batch 4 --classes 32 --inputs $(call \
        commas,$(SPREADS_$(1):%=near:s=%) $(SCALES:%=normal:s=%) $(OFFSETS:%=offset:o=%))
SWEEP_CLASSES = $(SWEEP) --dtype f32,f64 --batch 2 --classes 2^1..2^12 --inputs normal:s=1
# Hours of problems: the run goes on where the last one of the same program ended.
FULL_RUN = $(B)/dkl verify --level full --resume --out results/verify-full.jsonl
REPORT_RUN = $(B)/dkl report $(wildcard $(RECORDS)) --out results && \
             echo 'report: results/report.html'

logits: $(LOGITS)
$(LOGITS): $(wildcard bench/train/*.[ch]) | $(B)/dkl-train
	@mkdir -p results
	$(B)/dkl-train --out results/logits

verify: all
	@mkdir -p results
	$(if $(FULL),$(FULL_RUN),$(VERIFY_RUN))

report plots: all
	$(REPORT_RUN)

# Nothing else may run while it measures, so whatever else was asked for comes first. A kernel
# that fails its checks belongs in the report: the failure is the exit status, not the end. Three
# minutes; FULL=1 verifies more and times every named shape, which takes hours and several GiB.
BENCH_VERIFY = $(VERIFY_RUN)$(if $(FULL),, --level smoke)
BENCH_FULL = for shapes in 'all --cache hot,cold --loss kl,dkl,ikl,gkl' 'grid --loss kl,ikl'; do \
               $(B)/dkl bench --out results/bench.jsonl --shapes $$shapes || failed=$$?; done
bench: all logits $(filter test sanitize lint layers verify,$(MAKECMDGOALS))
	@failed=0; ($(BENCH_VERIFY)) || failed=$$?; \
	rm -f results/sweep.jsonl results/sweep.txt; \
	$(call SWEEP_TYPE,f32) || failed=$$?; $(call SWEEP_TYPE,f64) || failed=$$?; \
	$(SWEEP_CLASSES) || failed=$$?; \
	[ ! -e results/bench.jsonl ] || mv -f results/bench.jsonl results/bench.previous.jsonl; \
	$(B)/dkl bench --out results/bench.jsonl || failed=$$?; \
	$(if $(FULL),$(BENCH_FULL);) \
	$(B)/dkl report $(RECORDS) --out results && echo 'report: results/report.html' || failed=$$?; \
	exit $$failed

# Settings of the build go to the other revision's, too. Its exit status, which make hides, is that
# of bench/compare.
COMPARE = B='$(B)' ROUNDS='$(ROUNDS)' CC='$(CC)' CFLAGS='$(CFLAGS)' CPPFLAGS='$(CPPFLAGS)' \
          LDFLAGS='$(LDFLAGS)' MODE='$(MODE)' OPENMP='$(OPENMP)' MAKE='$(MAKE)'
compare: all
	@$(COMPARE) THRESHOLD='$(THRESHOLD)' OPTIONS='$(OPTIONS)' bench/compare '$(BASE)'
compare-trials: all
	@$(COMPARE) TRIALS='$(TRIALS)' bench/compare_trial

# What a CI asks, and the files that it is held against: a change that means to move them commits
# what `make accuracy` or `make instructions` leaves. Real logits differ from machine to machine.
ACCURACY_RUN = $(B)/dkl verify --level ci
check-accuracy: all
	$(ACCURACY_RUN) --accuracy bench/accuracy.txt
accuracy: all
	$(ACCURACY_RUN) --accuracy-out bench/accuracy.txt || [ $$? -eq 1 ]
check-instructions: all $(B)/count
	bench/instructions $(B) bench/instructions.txt
instructions: all $(B)/count
	bench/instructions $(B) bench/instructions.txt --rewrite
kill-trials: all
	verify/kill_trials $(B)/dkl 50

# Each step whatever became of those before, in a line of its own because make -n runs what calls
# make; the last line is the verdict.
CI_STEPS := test verify instructions report
ci: all $(B)/count
	@mkdir -p results && rm -f results/verify.jsonl results/junit.xml $(CI_STEPS:%=$(B)/ci.%)
	@$(MAKE) test; echo $$? >$(B)/ci.test
	@$(ACCURACY_RUN) --out results/verify.jsonl --junit results/junit.xml \
	  --accuracy bench/accuracy.txt; echo $$? >$(B)/ci.verify
	@bench/instructions $(B) bench/instructions.txt; echo $$? >$(B)/ci.instructions
	@$(B)/dkl report results/verify.jsonl --out results; echo $$? >$(B)/ci.report
	@echo 'ci: results/junit.xml, results/report.html'; failed=0; for step in $(CI_STEPS); do \
	  status=$$(cat $(B)/ci.$$step); echo "ci: $$step: exit status $$status"; \
	  [ "$$status" = 0 ] || failed=1; done; exit $$failed

# The runs that documents quote (bench/records/README.md); commit what they leave.
RECORD = --batch 8 --classes 10,100,1000 --out bench/records/$(1).jsonl --inputs $(call commas,$(2))
ACCURACY = $(B)/dkl verify --checks enclosure --loss kl --dtype $(1) \
           $(call RECORD,accuracy,$(SPREADS_$(1):%=near:s=%) normal:s=1)
# Document, table, command: the table between its two comments is made anew.
TABLE = { sed '/<!-- $(2)/q' $(1); $(B)/dkl $(3); sed -n '/<!-- end of $(2)/,$$p' $(1); } \
        >results/document && cp results/document $(1)
tables: all
	@mkdir -p results
	$(call TABLE,README.md,table,report --markdown bench/records/*.jsonl)
	$(call TABLE,bench/results.md,timings,report --results bench/records/timing.jsonl)
	$(call TABLE,README.md,implementations,list --markdown)
	$(call TABLE,reference/presets.md,presets,list --presets --markdown)
	$(STABILITY_DOCUMENT)
records: all logits
	rm -f bench/records/*.jsonl
	$(B)/dkl verify >bench/records/ratios.txt
	$(call ACCURACY,f32)
	$(call ACCURACY,f64)
	$(B)/dkl verify --checks theorem --loss dkl --dtype f32,f64 \
	  $(call RECORD,theorem,$(patsubst %,normal:s=%,0.001 0.01 0.1 1 5 15 100))
	$(B)/dkl bench --out bench/records/timing.jsonl
	$(B)/dkl prior --time 0.5 --classes 10,100,1000,10000 --batch 256 >bench/records/prior.md
	$(B)/dkl report bench/records/*.jsonl --out results/records
	cp $(addprefix results/records/,$(addsuffix .png,error theorem time heat roof memory)) bench/records/
	$(call TABLE,README.md,table,report --markdown bench/records/*.jsonl)
	$(call TABLE,bench/results.md,timings,report --results bench/records/timing.jsonl)
	$(MAKE) stability

# Primitives give the same bits on every machine (test_explog), so this may use all of this one.
exhaustive search:
	$(MAKE) CFLAGS='$(strip $(CFLAGS) -march=native)' run-$@
run-exhaustive: $(B)/exhaustive
	@mkdir -p results
	$(B)/exhaustive results/exhaustive.state reference/exhaustive.txt
run-search: $(B)/search
	$(B)/search verify/primitives/worst_f64.txt

# What is left of the digits of KL and wMSE, by family: reference/stability.md.
STABILITY_INPUTS := normal:s=0.001 normal:s=0.1 normal:s=1 normal:s=5 normal:s=15 normal:s=100 \
  $(SPREADS_f32:%=near:s=%) near:s=0.01:o=1000 ulp offset:o=100 offset:o=1e4 offset:o=1e8 \
  offset:o=1e30 shift:o=1000 shift:o=-1e6 onehot:g=17 onehot:g=20 onehot:g=60 onehot:g=88 \
  onehot:g=104 kept kept:s=5 ties ties:s=40 lattice tail tail:g=12 outlier huge:e=0.6 extreme \
  masked pzero
STABILITY_RECORDS := bench/records/stability/f32.jsonl
STABILITY_DOCUMENT = $(B)/dkl report --stability $(STABILITY_RECORDS) >results/stability.md && \
                     cp results/stability.md reference/stability.md
# Of a run's records only what the document quotes is kept.
stability: all
	@mkdir -p results $(dir $(STABILITY_RECORDS))
	rm -f $(STABILITY_RECORDS)
	$(B)/dkl verify --checks enclosure --loss kl,dkl --dtype f32 --gradients none \
	  $(call RECORD,stability/f32,$(STABILITY_INPUTS))
	grep -E '"kind":"machine"|"loss":"kl".*"output":"kl"|"output":"wmse"' $(STABILITY_RECORDS) \
	  >results/stability.jsonl && cp results/stability.jsonl $(STABILITY_RECORDS)
	$(STABILITY_DOCUMENT)

# ---- Installation --------------------------------------------------------------------------

D = $(DESTDIR)
MADE = $(BINDIR)/dkl $(INCLUDEDIR)/dkl.h $(LIBDIR)/libdkl.a $(LIBDIR)/libdkl.so.$(VERSION) \
       $(LIBDIR)/$(SONAME) $(LIBDIR)/libdkl.so $(LIBDIR)/pkgconfig/dkl.pc \
       $(DATADIR)/man/man1/dkl.1 $(addprefix $(DATADIR)/dkl/,$(PLOTS))

install: all
	install -d $(addprefix $(D),$(sort $(dir $(MADE))))
	install -m 755 $(B)/dkl $(D)$(BINDIR)/dkl
	install -m 644 kernels/dkl.h $(D)$(INCLUDEDIR)/dkl.h
	install -m 644 $(B)/libdkl.a $(D)$(LIBDIR)/libdkl.a
	install -m 755 $(B)/libdkl.so.$(VERSION) $(D)$(LIBDIR)/libdkl.so.$(VERSION)
	ln -sfn libdkl.so.$(VERSION) $(D)$(LIBDIR)/$(SONAME)
	ln -sfn $(SONAME) $(D)$(LIBDIR)/libdkl.so
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@VERSION@|$(VERSION)|' \
	  -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' kernels/dkl.pc.in >$(D)$(LIBDIR)/pkgconfig/dkl.pc
	sed 's|@VERSION@|$(VERSION)|' bench/dkl.1 >$(D)$(DATADIR)/man/man1/dkl.1
	chmod 644 $(D)$(LIBDIR)/pkgconfig/dkl.pc $(D)$(DATADIR)/man/man1/dkl.1
	install -m 644 $(PLOTS) $(D)$(DATADIR)/dkl/plots

uninstall:
	rm -f $(addprefix $(D),$(MADE))
	-rmdir --ignore-fail-on-non-empty $(D)$(DATADIR)/dkl/plots $(D)$(DATADIR)/dkl

clean:
	rm -rf build
