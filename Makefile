# weir: one Makefile, objects out of tree per flavour. `make help` lists the targets.

FLAVOUR ?= release
B       ?= build
O       := $(B)/$(FLAVOUR)

CC      ?= cc
CXX     ?= c++
PKGS    := ncursesw sqlite3 libcjson libutf8proc
WARN    := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes -Wvla
CFLAGS_release := -O2 -g -DNDEBUG -fstack-protector-strong -D_FORTIFY_SOURCE=2
CFLAGS_debug   := -O0 -g
CFLAGS_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS_tsan    := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
LDFLAGS_asan   := -fsanitize=address,undefined
LDFLAGS_tsan   := -fsanitize=thread

FLOORS  := base pubsub store ui app
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
ALL_CFLAGS  = -std=c17 -D_GNU_SOURCE -I. -I$(O) -pthread $(WARN) $(WERROR) $(CFLAGS_$(FLAVOUR)) $(PKG_CFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pthread $(LDFLAGS_$(FLAVOUR)) $(LDFLAGS)

.DEFAULT_GOAL := all
.SECONDARY:
.DELETE_ON_ERROR:

src_of  = $(filter-out app/main.c,$(wildcard $(1)/*.c))
objs_of = $(patsubst %.c,$(O)/%.o,$(call src_of,$(1)))
define floor_archive
$(O)/lib$(1).a: $(call objs_of,$(1))
	@rm -f $$@ && ar rcs $$@ $$^
endef
$(foreach f,$(FLOORS),$(eval $(call floor_archive,$(f))))

# What a floor's tests link with: its own archive and those below, highest first.
LIBS_base   := $(O)/libbase.a
LIBS_pubsub := $(O)/libpubsub.a $(LIBS_base)
LIBS_store  := $(O)/libstore.a $(LIBS_pubsub)
LIBS_ui     := $(O)/libui.a $(LIBS_store)
LIBS_app    := $(O)/libapp.a $(LIBS_ui)

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

all: $(O)/weir
$(O)/weir: $(O)/app/main.o $(LIBS_app)
	$(CC) $(ALL_LDFLAGS) $^ $(PKG_LIBS) -ldl -o $@

TEST_BINS := $(patsubst %.c,$(O)/%,$(wildcard $(foreach f,$(FLOORS),tests/$(f)/test_*.c)))
define floor_tests
$(O)/tests/$(1)/test_%: $(O)/tests/$(1)/test_%.o $(LIBS_$(1))
	$$(CC) $$(ALL_LDFLAGS) $$^ $$(PKG_LIBS) -lcmocka -ldl -o $$@
endef
$(foreach f,$(FLOORS),$(eval $(call floor_tests,$(f))))

unit: $(TEST_BINS)
	@for t in $(TEST_BINS); do $$t || exit 1; done
unit-%:
	@$(MAKE) --no-print-directory $(filter $(O)/tests/$*/%,$(TEST_BINS)) && for t in $(filter $(O)/tests/$*/%,$(TEST_BINS)); do $$t || exit 1; done

clean:
	rm -rf $(B)

-include $(wildcard $(O)/*/*.d $(O)/tests/*/*.d)
.PHONY: all unit clean
