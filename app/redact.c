/* Names for secrets, and texts with the names in their place. */
#include "app/redact.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/redact_find.h"
#include "app/redact_internal.h"
#include "base/alloc.h"
#include "base/utf8.h"

#define SAMPLE_BYTES 4
#define SAMPLED_BYTES 16 /* how long a secret has to be for that */
#define KNOWN_MIN 6

static const char *const kind_texts[] = {
#define KIND_TEXT(name, text, meaning) text,
    REDACT_KINDS(KIND_TEXT)
#undef KIND_TEXT
};
static const char *const kind_meanings[] = {
#define KIND_MEANING(name, text, meaning) meaning,
    REDACT_KINDS(KIND_MEANING)
#undef KIND_MEANING
};

const char *redact_kind_text(enum redact_kind kind)
{
    return (unsigned)kind < REDACT_KIND_COUNT ? kind_meanings[kind] : "";
}

static enum err_code compile(struct redactor *self, char *const *patterns, struct err *err)
{
    size_t count = 0;
    while (patterns && patterns[count]) {
        count++;
    }
    self->patterns = xcalloc(count + 1, sizeof(*self->patterns));
    for (size_t i = 0; i < count; i++) {
        int failure = regcomp(&self->patterns[i], patterns[i], REG_EXTENDED);
        if (failure) {
            char why[200];
            (void)regerror(failure, &self->patterns[i], why, sizeof(why));
            return err_set(err, ERR_INVALID,
                           "the pattern '%.100s' of [redact] does not compile: %s", patterns[i],
                           why);
        }
        self->pattern_count++;
    }
    return ERR_OK;
}

enum err_code redactor_new(char *const *patterns, const char *home, struct redactor **ret_redactor,
                           struct err *err)
{
    struct redactor *self = xcalloc(1, sizeof(*self));
    self->home = xstrdup(home && strlen(home) > 1 ? home : "");
    enum err_code code = compile(self, patterns, err);
    if (code) {
        redactor_free(self);
        return code;
    }
    *ret_redactor = self;
    return ERR_OK;
}

void redactor_free(struct redactor *self)
{
    if (!self) {
        return;
    }
    for (size_t i = 0; i < self->pattern_count; i++) {
        regfree(&self->patterns[i]);
    }
    for (size_t i = 0; i < self->count; i++) {
        explicit_bzero(self->secrets[i].text, self->secrets[i].n);
        free(self->secrets[i].text);
    }
    free(self->patterns);
    free(self->secrets);
    free(self->slots);
    free(self->renamed);
    free(self->spans.spans);
    free(self->home);
    free(self);
}

/* ---- names ---- */

/* Source: FNV-1a. */
static uint64_t hash_of(enum redact_kind kind, struct sv text)
{
    uint64_t hash = 14695981039346656037u ^ (uint64_t)kind;
    for (size_t i = 0; i < text.n; i++) {
        hash = (hash ^ (unsigned char)text.p[i]) * 1099511628211u;
    }
    return hash;
}

/* Where it is, or would be. */
static size_t *find_slot(struct redactor *self, enum redact_kind kind, struct sv text)
{
    size_t at = (size_t)hash_of(kind, text) & (self->slot_count - 1);
    while (self->slots[at] > 0) {
        const struct secret *secret = &self->secrets[self->slots[at] - 1];
        if (secret->kind == kind && sv_equal(sv_of(secret->text, secret->n), text)) {
            break;
        }
        at = (at + 1) & (self->slot_count - 1);
    }
    return &self->slots[at];
}

static void make_room(struct redactor *self)
{
    if (2 * self->count < self->slot_count) {
        return;
    }
    free(self->slots);
    self->slot_count = self->slot_count ? 2 * self->slot_count : 64;
    self->slots = xcalloc(self->slot_count, sizeof(*self->slots));
    for (size_t i = 0; i < self->count; i++) {
        const struct secret *secret = &self->secrets[i];
        *find_slot(self, secret->kind, sv_of(secret->text, secret->n)) = i + 1;
    }
    self->secrets = xrealloc(self->secrets, self->slot_count * sizeof(*self->secrets));
}

/* A key that is no word is looked for in every text from here on: who is told a password says it
 * again without calling it one. */
static void remember(struct redactor *self, const struct secret *secret)
{
    bool is_word = true, is_known = false;
    for (size_t i = 0; i < secret->n; i++) {
        is_word = is_word && redact_is_letter(secret->text[i]);
    }
    for (size_t i = 0; i < self->known_count; i++) {
        is_known = is_known || self->known[i] == secret->n;
    }
    if (secret->kind == REDACT_KEY && secret->n >= KNOWN_MIN && secret->n <= REDACT_KNOWN_MAX &&
        !is_word && !is_known) {
        self->known[self->known_count++] = secret->n;
    }
}

/* Lives until the redactor is freed. */
static const char *name_of(struct redactor *self, enum redact_kind kind, struct sv text)
{
    make_room(self);
    size_t *slot = find_slot(self, kind, text);
    if (*slot == 0) {
        struct secret *secret = &self->secrets[self->count];
        *secret = (struct secret){.kind = kind, .text = xstrndup(text.p, text.n), .n = text.n};
        (void)snprintf(secret->name, sizeof(secret->name), "[%s-%zu]", kind_texts[kind],
                       ++self->numbers[kind]);
        *slot = ++self->count;
        remember(self, secret);
    }
    self->secrets[*slot - 1].count++;
    return self->secrets[*slot - 1].name;
}

void redact_rename(struct redactor *self, const char *from, const char *to)
{
    struct renamed *renamed = NULL;
    for (size_t i = 0; i < self->renamed_count && !renamed; i++) {
        renamed = strcmp(self->renamed[i].from, from) == 0 ? &self->renamed[i] : NULL;
    }
    if (!renamed) {
        self->renamed = xrealloc(self->renamed, (self->renamed_count + 1) * sizeof(*self->renamed));
        renamed = &self->renamed[self->renamed_count++];
    }
    (void)snprintf(renamed->from, sizeof(renamed->from), "%s", from);
    (void)snprintf(renamed->to, sizeof(renamed->to), "%s", to);
}

/* ---- a text ---- */

/* Names that stand there already are none of a secret. */
static void match_line(struct redactor *self, const regex_t *pattern, const char *line, size_t at)
{
    regmatch_t match;
    for (size_t from = 0; regexec(pattern, line + from, 1, &match, from ? REG_NOTBOL : 0) == 0;) {
        size_t first = from + (size_t)match.rm_so, last = from + (size_t)match.rm_eo;
        if (last > first) {
            redact_spans_add(&self->spans, at + first, at + last, REDACT_PATTERN);
        }
        from = last > first ? last : last + 1;
        if (line[last] == '\0') {
            return;
        }
    }
}

static void match_patterns(struct redactor *self, struct sv text)
{
    struct sv rest = text, line;
    while (self->pattern_count > 0 && sv_next_line(&rest, &line)) {
        char *copy = xstrndup(line.p, line.n);
        for (size_t i = 0; i < self->pattern_count; i++) {
            match_line(self, &self->patterns[i], copy, (size_t)(line.p - text.p));
        }
        free(copy);
    }
}

/* The longest that is known and begins here; 0: none. */
static size_t known_at(struct redactor *self, struct sv rest)
{
    size_t longest = 0;
    for (size_t i = 0; i < self->known_count; i++) {
        size_t n = self->known[i];
        bool ends = n == rest.n || (n < rest.n && !redact_is_alnum(rest.p[n]));
        if (ends && n > longest && *find_slot(self, REDACT_KEY, sv_take(rest, n)) > 0) {
            longest = n;
        }
    }
    return longest;
}

static void find_known(struct redactor *self, struct sv text)
{
    for (size_t i = 0; self->known_count > 0 && i < text.n; i++) {
        size_t n = i > 0 && redact_is_alnum(text.p[i - 1]) ? 0 : known_at(self, sv_skip(text, i));
        if (n > 0) {
            redact_spans_add(&self->spans, i, i + n, REDACT_KEY);
            i += n - 1;
        }
    }
}

static int compare(const void *a, const void *b)
{
    const struct redact_span *one = a, *other = b;
    if (one->first != other->first) {
        return one->first < other->first ? -1 : 1;
    }
    if (one->last != other->last) {
        return one->last > other->last ? -1 : 1;
    }
    return (one->kind > other->kind) - (one->kind < other->kind);
}

/* What overlaps is one secret, of the kind of the first. */
static void merge(struct redact_spans *spans)
{
    size_t count = 0;
    if (spans->count > 0) {
        qsort(spans->spans, spans->count, sizeof(*spans->spans), compare);
    }
    for (size_t i = 0; i < spans->count; i++) {
        struct redact_span *before = count > 0 ? &spans->spans[count - 1] : NULL;
        if (before && spans->spans[i].first < before->last) {
            before->last =
                spans->spans[i].last > before->last ? spans->spans[i].last : before->last;
        } else {
            spans->spans[count++] = spans->spans[i];
        }
    }
    spans->count = count;
}

bool redact_append(struct redactor *self, struct buf *out, struct sv text)
{
    size_t from = 0;
    self->spans.count = 0;
    redact_find(text, sv_from(self->home), &self->spans);
    find_known(self, text);
    match_patterns(self, text);
    merge(&self->spans);
    for (size_t i = 0; i < self->spans.count; i++) {
        const struct redact_span *span = &self->spans.spans[i];
        buf_append(out, text.p + from, span->first - from);
        buf_append_str(
            out, name_of(self, span->kind, sv_of(text.p + span->first, span->last - span->first)));
        from = span->last;
    }
    buf_append(out, text.p + from, text.n - from);
    return self->spans.count > 0;
}

/* ---- what was found ---- */

bool redactor_hit(const struct redactor *self, size_t index, struct redact_hit *ret_hit)
{
    if (index >= self->count) {
        return false;
    }
    const struct secret *secret = &self->secrets[index];
    *ret_hit =
        (struct redact_hit){.kind = secret->kind, .name = secret->name, .count = secret->count};
    if (secret->n >= SAMPLED_BYTES) {
        (void)snprintf(ret_hit->sample, sizeof(ret_hit->sample), "%.*s",
                       (int)utf8_cut(secret->text, secret->n, SAMPLE_BYTES), secret->text);
    }
    return true;
}

size_t redactor_removed(const struct redactor *self)
{
    return self->removed;
}

void redactor_forget_counts(struct redactor *self)
{
    self->removed = 0;
    for (size_t i = 0; i < self->count; i++) {
        self->secrets[i].count = 0;
    }
}
