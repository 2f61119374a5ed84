# weir: one Makefile, objects out of tree per flavour. `make help` lists the targets.

FLAVOUR ?= release
B       ?= build
O       := $(B)/$(FLAVOUR)
PREFIX  ?= /usr/local
ARGS    ?=

CC      ?= cc
CXX     ?= c++
OS      := $(shell uname -s)
PYTHON  := $(firstword $(wildcard /usr/bin/python3) python3)
# Sub-makes use every core unless the caller chose a number.
JOBS     = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell getconf _NPROCESSORS_ONLN))
SUBMAKE  = $(MAKE) --no-print-directory $(JOBS)

# Linked packages, and those of which only the headers are used: libcurl is loaded at run time,
# since linking it would cost every start 5 ms; toml++ is a header library.
PKGS       := ncursesw sqlite3 libcjson libutf8proc libmd md4c
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) libcurl 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null)

# Only a release is fortified: sanitizers and fuzzers want the plain functions.
SANITIZE_asan  := -fsanitize=address,undefined
SANITIZE_tsan  := -fsanitize=thread
SANITIZE_fuzz  := -fsanitize=address,undefined,fuzzer-no-link
OPT_release    := -O2 -g -DNDEBUG -fstack-protector-strong -D_FORTIFY_SOURCE=2
OPT_debug      := -O0 -g -DASSERT_LOCK_BUDGET=1
OPT_asan       := -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=undefined
OPT_tsan       := -O1 -g -fno-omit-frame-pointer
OPT_fuzz       := $(OPT_asan)

# WERROR=-Werror makes warnings fatal, as CI does with both compilers.
WARN        := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wvla
C_WARN      := -Wstrict-prototypes -Wmissing-prototypes
COMMON       = -I. -I$(O) -pthread -fPIE -fvisibility=hidden $(WARN) $(WERROR) \
               $(OPT_$(FLAVOUR)) $(SANITIZE_$(FLAVOUR)) $(PKG_CFLAGS)
ALL_CFLAGS   = -std=c17 -D_GNU_SOURCE $(COMMON) $(C_WARN) $(CFLAGS)
# clang's check of calls through pointers would need its own C++ run-time library.
NO_FUNCTION  = $(if $(SANITIZE_$(FLAVOUR)),$(if $(findstring clang,$(CXX)),-fno-sanitize=function))
ALL_CXXFLAGS = -std=c++17 $(COMMON) -O2 -fno-exceptions -fno-rtti $(NO_FUNCTION) \
               -DTOML_HEADER_ONLY=1 -DTOML_EXCEPTIONS=0 $(CXXFLAGS)
ifeq ($(OS),Linux)
HARDEN      := -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed,-O1,--hash-style=gnu
endif
ALL_LDFLAGS  = -pthread $(HARDEN) $(SANITIZE_$(FLAVOUR)) $(LDFLAGS)

# A release is linked statically with the packages of which there is a static library: the loader
# would look up 2,000 symbols more at every start, 1,500 of them SQLite's own, for 0.5 ms of 0.9.
# STATIC=no links the shared ones, as a distribution may want it.
STATIC     ?= yes
comma      := ,
is_static   = $(and $(filter release-yes-Linux,$(FLAVOUR)-$(STATIC)-$(OS)),\
                $(filter /%,$(shell $(CC) -print-file-name=lib$(1:-l%=%).a)))
link_static = -Wl$(comma)-Bstatic $(1) -Wl$(comma)-Bdynamic
C_LIBS     := $(foreach l,$(PKG_LIBS),$(if $(call is_static,$(l)),$(call link_static,$(l)),$(l)))

# The one C++ file's run-time library is linked statically: loading it would cost every start 1 ms.
STATIC_CXX := $(and $(filter release,$(FLAVOUR)),$(filter /%,$(shell $(CXX) -print-file-name=libstdc++.a)))
DYNAMIC_CXX := $(if $(filter Darwin FreeBSD OpenBSD,$(OS)),-lc++,-lstdc++)
CXX_LIBS   := $(if $(STATIC_CXX),-static-libgcc -Wl$(comma)-Bstatic -lstdc++ -Wl$(comma)-Bdynamic,$(DYNAMIC_CXX))
ALL_LIBS    = $(C_LIBS) $(CXX_LIBS) -lm $(if $(filter Linux,$(OS)),-ldl)

# Commands are shown as one short line each; V=1 shows them whole.
show = $(if $(V),,@echo '  $(1) $@';)

.DEFAULT_GOAL := all
.SECONDARY:
.DELETE_ON_ERROR:

##  all (default)    build $(B)/release/weir
all: $(O)/weir

# Floors, lowest first. A floor's program or test links with its own archive and those below. The
# folder is named so that a source that went away leaves the archive.
FLOORS  := base pubsub store ui app
src_of  = $(filter-out app/main.c,$(wildcard $(1)/*.c $(1)/*.cc))
obj_of  = $(addprefix $(O)/,$(addsuffix .o,$(basename $(1))))
define floor_archive
$(O)/lib$(1).a: $(call obj_of,$(call src_of,$(1))) $(1)
	@rm -f $$@ && ar rcs $$@ $$(filter %.o,$$^)
endef
$(foreach f,$(FLOORS),$(eval $(call floor_archive,$(f))))
LIBS_base   := $(O)/libbase.a
LIBS_pubsub := $(O)/libpubsub.a $(LIBS_base)
LIBS_store  := $(O)/libstore.a $(LIBS_pubsub)
LIBS_ui     := $(O)/libui.a $(LIBS_store)
LIBS_app    := $(O)/libapp.a $(LIBS_ui)

archives: $(LIBS_app)

$(O)/%.o: %.c $(O)/flags
	@mkdir -p $(@D)
	$(call show,CC  )$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@
$(O)/%.o: %.cc $(O)/flags
	@mkdir -p $(@D)
	$(call show,CXX )$(CXX) $(ALL_CXXFLAGS) -MMD -MP -c $< -o $@
$(O)/weir: $(O)/app/main.o $(LIBS_app)
	$(call show,LINK)$(CC) $(ALL_LDFLAGS) $^ $(ALL_LIBS) -o $@

# Changes only when compiler or flags do, so that everything is built anew then and not otherwise.
$(O)/flags: always
	@$(if $(and $(PKG_LIBS),$(PKG_CFLAGS)),,deps/install.sh --check build &&) mkdir -p $(@D)
	@echo '$(CC) $(ALL_CFLAGS) $(CXX) $(ALL_CXXFLAGS) $(ALL_LDFLAGS) $(ALL_LIBS)' >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

# The SQL of all migrations, as C literals; the folder is named so that a removal counts as well.
$(O)/store/migrations.inc: store/embed.awk $(wildcard store/migrations store/migrations/*.sql)
	@mkdir -p $(@D)
	$(call show,SQL )LC_ALL=C awk -f store/embed.awk $(sort $(wildcard store/migrations/*.sql)) >$@
$(O)/store/migrate.o $(O)/tests/store/test_upgraded.o: $(O)/store/migrations.inc

# The example config, as C literals, for `weir config init`.
$(O)/app/example.inc: config.example.toml
	@mkdir -p $(@D)
	@sed -e 's/[\\"]/\\&/g' -e 's/^/"/' -e 's/$$/\\n"/' $< >$@
$(O)/app/cmd_config.o: $(O)/app/example.inc

# Unit tests: one program per tests/FLOOR/test_*.c; other files there are shared by that floor's.
TEST_BINS := $(patsubst %.c,$(O)/%,$(wildcard $(foreach f,$(FLOORS),tests/$(f)/test_*.c)))
shared_of = $(call obj_of,$(filter-out tests/$(1)/test_%,$(wildcard tests/$(1)/*.c)))
define floor_tests
$(O)/tests/$(1)/test_%: $(O)/tests/$(1)/test_%.o $(call shared_of,$(1)) $(LIBS_$(1))
	$$(call show,LINK)$$(CC) $$(ALL_LDFLAGS) $$^ $$(ALL_LIBS) -lcmocka -o $$@
endef
$(foreach f,$(FLOORS),$(eval $(call floor_tests,$(f))))

# Fuzzers: libFuzzer drives them in the fuzz flavour; elsewhere they replay their corpus as tests.
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAYS := $(addprefix $(O)/tests/fuzz/replay_,$(FUZZERS))
$(O)/tests/fuzz/replay_%: $(O)/tests/fuzz/replay.o $(O)/tests/fuzz/%.o $(LIBS_app)
	$(call show,LINK)$(CC) $(ALL_LDFLAGS) $^ $(ALL_LIBS) -lcmocka -o $@
$(O)/tests/fuzz/fuzz_%: $(O)/tests/fuzz/fuzz_%.o $(LIBS_app)
	$(call show,LINK)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer $^ $(ALL_LIBS) -o $@

BENCHES := $(patsubst %.c,$(O)/%,$(wildcard tests/bench/bench_*.c tests/bench/baseline_*.c))
$(O)/tests/bench/bench_%: $(O)/tests/bench/bench_%.o $(LIBS_app)
	$(call show,LINK)$(CC) $(ALL_LDFLAGS) $^ $(ALL_LIBS) -o $@
$(O)/tests/bench/baseline_%: $(O)/tests/bench/baseline_%.o
	$(call show,LINK)$(CC) $(ALL_LDFLAGS) $^ $(PKG_LIBS) -o $@

##  unit             build and run the unit tests; unit-base, unit-store … only one floor's
unit: $(TEST_BINS)
	@for t in $(TEST_BINS); do $$t || exit 1; done
unit-%:
	@$(SUBMAKE) $(filter $(O)/tests/$*/%,$(TEST_BINS))
	@for t in $(filter $(O)/tests/$*/%,$(TEST_BINS)); do $$t || exit 1; done
unit-bins: $(TEST_BINS) $(REPLAYS)
RUN_TESTS = $(PYTHON) tests/run.py --out $(O) --flavour $(FLAVOUR)

##  run              install what is missing, build, start weir; ARGS="run -m demo hello"
run:
	@deps/install.sh build
	@$(SUBMAKE) FLAVOUR=release all
	@exec $(B)/release/weir $(ARGS)

##  test             install the test tools, build, run every test and gate
test:
	@deps/install.sh build test
	@$(SUBMAKE) FLAVOUR=release all unit-bins
	@$(SUBMAKE) FLAVOUR=release run-tests PARTS="unit lint e2e"

##  asan, tsan       unit and end-to-end tests under Address- and UB-, or ThreadSanitizer
asan tsan:
	@deps/install.sh build test
	@$(SUBMAKE) FLAVOUR=$@ all unit-bins
	@$(SUBMAKE) FLAVOUR=$@ run-tests PARTS="unit e2e"
run-tests:
	@$(RUN_TESTS) --unit $(TEST_BINS) $(REPLAYS) --parts $(PARTS)

##  lint             layers, headers, globals, sizes, banned functions, formatting, papers, plans, map
lint:
	@deps/install.sh build test
	@$(SUBMAKE) FLAVOUR=release archives
	@$(SUBMAKE) FLAVOUR=release run-tests PARTS=lint
##  golden           write the golden screens of tests/e2e/golden anew
golden:
	@deps/install.sh build test
	@$(SUBMAKE) FLAVOUR=release all
	@WEIR_RENEW_GOLDEN=1 WEIR_BIN=$(abspath $(B))/release/weir $(PYTHON) -m pytest -q -p no:cacheprovider \
	  tests/e2e/test_golden.py -k utf8
##  format           let clang-format rewrite every source
format:
	@tests/lint/format.sh --fix

##  bench            figures beside their baselines, also in $(B)/bench.json; SHORT=1 takes seconds
bench:
	@deps/install.sh build test
	@$(SUBMAKE) FLAVOUR=release all bench-bins
	@$(PYTHON) tests/bench/run.py --build $(B) $(if $(SHORT),--short)
bench-bins: $(BENCHES)
##  soak             every fault step and allocation, a thousand power cuts, kills, damaged files; SHORT=1: minutes
soak:
	@deps/install.sh build test
	@$(SUBMAKE) FLAVOUR=release all $(B)/release/tests/store/test_faults
	@$(if $(SHORT),,$(SUBMAKE) FLAVOUR=asan all $(B)/asan/tests/store/test_faults)
	@$(PYTHON) tests/soak/run.py --build $(B) $(if $(SHORT),--short)
##  mutants          break the program on purpose, see the named test fail
mutants:
	@deps/install.sh build test
	@$(PYTHON) tests/mutants/run.py
##  fuzz             libFuzzer on each tests/fuzz/fuzz_*.c for FUZZ_SECONDS (60)
FUZZ_SECONDS ?= 60
fuzz:
	@deps/install.sh build test
	@$(SUBMAKE) FLAVOUR=fuzz CC=clang CXX=clang++ $(addprefix $(B)/fuzz/tests/fuzz/,$(FUZZERS))
	@tests/fuzz/run.sh $(B)/fuzz/tests/fuzz $(FUZZ_SECONDS) $(FUZZERS)
##  check-bare       start and test in a bare Debian 12 with git and make only, then offline (root)
check-bare:
	@$(PYTHON) tests/bare.py $(if $(SHORT),--short) $(B)/bare

##  install          copy to $(DESTDIR)$(PREFIX); uninstall takes it away again
DOCS   := $(wildcard README.md LICENSE config.example.toml)
PAPERS := $(wildcard doc/*.md doc/*.json)
BINDIR := $(DESTDIR)$(PREFIX)/bin
DOCDIR := $(DESTDIR)$(PREFIX)/share/doc/weir
MANDIR := $(DESTDIR)$(PREFIX)/share/man/man1
BASHDIR := $(DESTDIR)$(PREFIX)/share/bash-completion/completions
ZSHDIR := $(DESTDIR)$(PREFIX)/share/zsh/site-functions
FISHDIR := $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
install:
	@$(SUBMAKE) FLAVOUR=release all
	@$(MAKE) --no-print-directory install-files
install-files:
	install -d $(BINDIR) $(DOCDIR)/doc $(MANDIR)
	install -m 755 $(B)/release/weir $(BINDIR)/weir
	install -m 644 $(DOCS) $(DOCDIR)
	install -m 644 $(PAPERS) $(DOCDIR)/doc
	install -m 644 doc/weir.1 $(MANDIR)
	install -d $(BASHDIR) $(ZSHDIR) $(FISHDIR)
	for c in $$($(B)/release/weir __man); do \
	  $(B)/release/weir __man $$c >$(MANDIR)/weir-$$c.1 && chmod 644 $(MANDIR)/weir-$$c.1 || exit 1; done
	umask 022 && $(B)/release/weir completions bash >$(BASHDIR)/weir
	umask 022 && $(B)/release/weir completions zsh >$(ZSHDIR)/_weir
	umask 022 && $(B)/release/weir completions fish >$(FISHDIR)/weir.fish
uninstall:
	rm -f $(BINDIR)/weir $(MANDIR)/weir.1 $(MANDIR)/weir-*.1 \
	  $(BASHDIR)/weir $(ZSHDIR)/_weir $(FISHDIR)/weir.fish $(addprefix $(DOCDIR)/,$(DOCS) $(PAPERS))
	-rmdir $(DOCDIR)/doc $(DOCDIR)
##  clean            remove $(B)
clean:
	rm -rf $(B)
##  help             this list
help:
	@sed -n -e 's/^##  /  make /p' Makefile

-include $(wildcard $(O)/*/*.d $(O)/tests/*/*.d)
.PHONY: golden mutants all archives always unit unit-bins run test asan tsan run-tests lint format bench bench-bins soak \
        fuzz check-bare install install-files uninstall clean help
