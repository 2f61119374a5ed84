/*
 * What looks like a secret.
 *
 * One walk over the text; at each place where a word may begin the finders are asked, which look
 * ahead as far as their secret goes, or a fixed number of bytes. Shapes of keys are facts that
 * their makers publish.
 */
#include "app/redact_find.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"

#define NAME_MAX_BYTES 64 /* of an address's or a setting's name */
#define TOKEN_MIN 20
#define CUT_MIN 4
#define BASE64_MIN 32
#define AWS_SECRET 40
#define WORD_MIN 5
#define BITS_MIN 3.3
#define VALUE_MIN 6
#define VALUE_MAX 4096
#define URL_MAX 256

void redact_spans_add(struct redact_spans *spans, size_t first, size_t last, enum redact_kind kind)
{
    if (spans->count == spans->room) {
        spans->room = spans->room ? 2 * spans->room : 16;
        spans->spans = xrealloc(spans->spans, spans->room * sizeof(*spans->spans));
    }
    spans->spans[spans->count++] = (struct redact_span){first, last, kind};
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_alnum(char c)
{
    return is_digit(c) || is_lower(c) || is_upper(c);
}

bool redact_is_letter(char c)
{
    return is_lower(c) || is_upper(c);
}

bool redact_is_alnum(char c)
{
    return is_alnum(c);
}

static bool is_token(char c)
{
    return is_alnum(c) || c == '_' || c == '-';
}

/* Of names in addresses. */
static bool is_local(char c)
{
    return is_token(c) || c == '.' || c == '+' || c == '%';
}

static size_t token_length(struct sv text, const char *more)
{
    size_t n = 0;
    while (n < text.n && (is_token(text.p[n]) || (text.p[n] && strchr(more, text.p[n])))) {
        n++;
    }
    return n;
}

/* ---- keys of known shapes ---- */

static const struct shape {
    const char *prefix;
    size_t least; /* bytes behind it */
    const char *more;
} shapes[] = {
    {"sk-", 20, ""},      {"sk_live_", 10, ""},  {"sk_test_", 10, ""}, {"rk_live_", 10, ""},
    {"pk_live_", 10, ""}, {"whsec_", 16, "+/="}, {"AKIA", 16, ""},     {"ASIA", 16, ""},
    {"AIza", 30, ""},     {"ya29.", 20, "."},    {"ghp_", 20, ""},     {"gho_", 20, ""},
    {"ghu_", 20, ""},     {"ghs_", 20, ""},      {"ghr_", 20, ""},     {"github_pat_", 20, ""},
    {"glpat-", 16, "."},  {"xoxb-", 16, ""},     {"xoxp-", 16, ""},    {"xoxa-", 16, ""},
    {"xoxr-", 16, ""},    {"xoxs-", 16, ""},     {"xapp-", 16, ""},    {"hf_", 20, ""},
    {"gsk_", 20, ""},     {"pplx-", 20, ""},     {"r8_", 20, ""},      {"npm_", 20, ""},
    {"pypi-", 30, ""},    {"SG.", 30, "."},      {"dop_v1_", 30, ""},  {"shpat_", 20, ""},
    {"xai-", 20, ""},     {"tvly-", 16, ""},     {"nvapi-", 20, ""},   {"AGE-SECRET-KEY-", 40, ""},
    {"eyJ", 30, "."},     {"xoxe.", 20, "."},    {"xoxe-", 16, ""},    {"glsa_", 20, ""},
    {"GOCSPX-", 20, ""},  {"lin_api_", 20, ""},  {"figd_", 20, ""},    {"dapi", 32, ""},
    {"ATATT3", 20, "="},  {"sq0csp-", 20, ""},   {"sq0atp-", 20, ""},
};

/* At the end of a text it may be one that was cut, as in titles. */
static size_t shape_at(struct sv text)
{
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        if (text.n == 0 || shapes[i].prefix[0] != text.p[0]) {
            continue; /* nearly always: this is asked of every word */
        }
        struct sv prefix = sv_from(shapes[i].prefix);
        if (sv_starts_with(text, prefix)) {
            size_t n = token_length(sv_skip(text, prefix.n), shapes[i].more);
            bool is_cut = prefix.n + n == text.n && n >= CUT_MIN;
            return is_cut || n >= shapes[i].least ? prefix.n + n : 0;
        }
    }
    return 0;
}

/* From its beginning to its end, or to the end of all. */
static size_t private_key_at(struct sv text)
{
    struct sv line = sv_take(text, NAME_MAX_BYTES);
    if (!sv_starts_with(text, SV("-----BEGIN ")) ||
        sv_find_sv(line, SV("PRIVATE KEY-----")) == line.n) {
        return 0;
    }
    size_t end = sv_find_sv(text, SV("-----END "));
    size_t rest = sv_find(sv_skip(text, end), '\n');
    return end + rest;
}

/* ---- runs that look random ---- */

static double bits_of(struct sv run)
{
    size_t counts[256] = {0};
    double bits = 0;
    for (size_t i = 0; i < run.n; i++) {
        counts[(unsigned char)run.p[i]]++;
    }
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        double share = (double)counts[i] / (double)run.n;
        bits -= counts[i] > 0 ? share * log2(share) : 0;
    }
    return bits;
}

static int class_of(char c)
{
    return is_digit(c) ? 0 : is_lower(c) ? 1 : 2;
}

/* Words put together change from small to large letters now and then; random text does all the
 * time. Text of hexadecimal digits is random where it is long. */
static bool is_random(struct sv run)
{
    size_t changes = 0, digits = 0, hex = 0;
    if (run.n < TOKEN_MIN) {
        return false;
    }
    for (size_t i = 0; i < run.n; i++) {
        digits += is_digit(run.p[i]);
        hex += is_digit(run.p[i]) || (run.p[i] && strchr("abcdefABCDEF-", run.p[i]));
        changes += i > 0 && is_alnum(run.p[i]) && is_alnum(run.p[i - 1]) &&
                   class_of(run.p[i]) != class_of(run.p[i - 1]);
    }
    bool is_hex = hex == run.n && run.n >= 32 && digits < run.n;
    bool is_mixed = digits >= 2 && changes * 4 >= run.n && digits < run.n;
    return (is_hex || is_mixed) && bits_of(run) >= (is_hex ? 2.8 : BITS_MIN);
}

/* Base64 with slashes in it, and no path: no part of it is a word. Secrets of AWS have 40 bytes. */
static bool is_base64(struct sv run)
{
    size_t changes = 0, begin = 0, classes = 0;
    bool is_word = false, has_slash = false;
    for (size_t i = 0; i < run.n; i++) {
        if (run.p[i] == '/') {
            is_word = is_word || (i - begin >= WORD_MIN && (classes & (classes - 1)) == 0);
            has_slash = true;
            begin = i + 1;
            classes = 0;
        } else if (run.p[i] == '-' || run.p[i] == '_') {
            return false;
        } else if (run.p[i] != '+') {
            classes |= (size_t)1 << class_of(run.p[i]);
            changes +=
                i > begin && run.p[i - 1] != '+' && class_of(run.p[i]) != class_of(run.p[i - 1]);
        }
    }
    is_word = is_word || (run.n - begin >= WORD_MIN && (classes & (classes - 1)) == 0);
    bool is_mixed = run.n == AWS_SECRET ? changes * 4 >= run.n : changes * 5 >= run.n * 2;
    return has_slash && !is_word && run.n >= BASE64_MIN && is_mixed && bits_of(run) >= BITS_MIN;
}

/* The padding of base64 belongs to it. */
static size_t padded(struct sv text, size_t n)
{
    size_t end = n;
    while (end < text.n && end < n + 2 && text.p[end] == '=') {
        end++;
    }
    return end;
}

/* Between the dashes of a run. */
static void find_random_pieces(struct sv run, size_t at, struct redact_spans *spans)
{
    for (size_t from = 0, i = 0; i <= run.n; i++) {
        if (i < run.n && is_alnum(run.p[i])) {
            continue;
        }
        if (is_random(sv_of(run.p + from, i - from))) {
            redact_spans_add(spans, at + from, at + i, REDACT_TOKEN);
        }
        from = i + 1;
    }
}

/* A run as a whole, or with what a slash joins to it, or a piece of it. */
static void find_random(struct sv text, size_t at, struct redact_spans *spans)
{
    struct sv rest = sv_skip(text, at);
    bool goes_on = at > 0 && text.p[at - 1] == '/'; /* it was looked at from its beginning */
    size_t n = token_length(rest, "+"), joined = goes_on ? 0 : token_length(rest, "+/");
    if (is_base64(sv_take(rest, joined))) {
        redact_spans_add(spans, at, at + padded(rest, joined), REDACT_TOKEN);
    } else if (is_random(sv_take(rest, n))) {
        redact_spans_add(spans, at, at + padded(rest, n), REDACT_TOKEN);
    } else {
        find_random_pieces(sv_take(rest, n), at, spans);
    }
}

/* ---- values that are called secret ---- */

static const char *const names[] = {
    "password",   "passwd",     "passphrase", "passcode",  "passwort",   "_pass",
    "-pass",      "pwd",        "secret",     "token",     "apikey",     "api_key",
    "api-key",    "access_key", "access-key", "accesskey", "accountkey", "private_key",
    "privatekey", "secret_key", "secret-key", "secretkey", "credential", "credentials"};
/* Keys of tables and maps are called so as well: what is a word is none. */
static const char *const key_names[] = {"_key", "-key"};

static bool ends_with_one_of(struct sv name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t n = strlen(list[i]);
        if (name.n >= n && strncasecmp(name.p + name.n - n, list[i], n) == 0) {
            return true;
        }
    }
    return false;
}

/* A call, a variable, a number and a word of prose are none. */
static bool is_secret_value(struct sv value, bool is_quoted, char separator)
{
    static const char *const words[] = {"true", "false", "null", "none", "undefined"};
    bool letters = true, digits = true;
    for (size_t i = 0; i < value.n; i++) {
        letters = letters && !is_digit(value.p[i]) && (is_alnum(value.p[i]) || value.p[i] == '_');
        digits = digits && is_digit(value.p[i]);
    }
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (sv_equal_str(value, words[i])) {
            return false;
        }
    }
    return value.n >= VALUE_MIN && value.p[0] != '$' && value.p[0] != '[' && !digits &&
           (is_quoted || !letters || separator == '=');
}

static bool ends_value(char c, char quote)
{
    return quote ? c == quote || c == '\n' : (c >= 0 && c <= ' ') || strchr("\"'`,;<>(){}", c);
}

/* "name = value", "name": "value", "--name value". Gives how far it goes. */
static size_t find_setting(struct sv text, size_t at, struct redact_spans *spans)
{
    struct sv rest = sv_skip(text, at);
    struct sv name = sv_take(rest, token_length(sv_take(rest, NAME_MAX_BYTES), "."));
    bool is_key = !ends_with_one_of(name, names, COUNT_OF(names));
    if (is_key && !ends_with_one_of(name, key_names, COUNT_OF(key_names))) {
        return 0;
    }
    size_t i = at + name.n;
    i += i < text.n && (text.p[i] == '"' || text.p[i] == '\'');
    size_t spaces = i;
    while (i < text.n && text.p[i] == ' ') {
        i++;
    }
    char separator = i < text.n ? text.p[i] : '\0';
    if (separator == ':' || separator == '=') {
        for (i++; i < text.n && (text.p[i] == ' ' || text.p[i] == '>');) {
            i++;
        }
    } else if (i == spaces || !sv_starts_with(name, SV("--"))) {
        return 0;
    }
    char quote = i < text.n && (text.p[i] == '"' || text.p[i] == '\'') ? text.p[i] : '\0';
    size_t first = i + (quote != '\0'), last = first;
    while (last < text.n && last - first < VALUE_MAX && !ends_value(text.p[last], quote)) {
        last++;
    }
    bool is_call = last < text.n && text.p[last] == '(';
    while (!quote && last > first && strchr(".:!?", text.p[last - 1])) {
        last--;
    }
    struct sv value = sv_of(text.p + first, last - first);
    if (is_call || !is_secret_value(value, quote != '\0' && !is_key, is_key ? ':' : separator)) {
        return 0;
    }
    redact_spans_add(spans, first, last, REDACT_KEY);
    return last - at;
}

/* "Bearer x", "Basic x". */
static void find_credentials(struct sv text, size_t at, struct redact_spans *spans)
{
    static const char *const schemes[] = {"bearer ", "basic "};
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        size_t n = strlen(schemes[i]);
        if (text.n - at > n && strncasecmp(text.p + at, schemes[i], n) == 0) {
            struct sv value = sv_skip(text, at + n);
            size_t length = token_length(value, "+/=.~");
            if (length >= 16) {
                redact_spans_add(spans, at + n, at + n + length, REDACT_KEY);
            }
        }
    }
}

/* The password of "curl -u user:password". */
static void find_user(struct sv text, size_t at, struct redact_spans *spans)
{
    static const char *const options[] = {"-u ", "--user "};
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        struct sv option = sv_from(options[i]);
        if (!sv_starts_with(sv_skip(text, at), option)) {
            continue;
        }
        size_t first = at + option.n;
        char quote = first < text.n && strchr("\"'", text.p[first]) ? text.p[first] : '\0';
        size_t colon = first += quote != '\0';
        while (colon < text.n && colon - first < NAME_MAX_BYTES && is_local(text.p[colon])) {
            colon++;
        }
        size_t last = colon + 1;
        while (last < text.n && last - colon < VALUE_MAX && !ends_value(text.p[last], quote)) {
            last++;
        }
        if (colon > first && colon < text.n && text.p[colon] == ':' &&
            is_secret_value(sv_of(text.p + colon + 1, last - colon - 1), false, ':')) {
            redact_spans_add(spans, colon + 1, last, REDACT_KEY);
        }
    }
}

/* The password of "scheme://user:password@host", from "://" on. */
static void find_in_url(struct sv text, size_t at, struct redact_spans *spans)
{
    size_t colon = 0;
    size_t end = at + URL_MAX < text.n ? at + URL_MAX : text.n;
    for (size_t i = at + 3; i < end && text.p[i] != '/' && text.p[i] != ' '; i++) {
        if (text.p[i] == '@' && colon > 0 && i > colon + 1) {
            redact_spans_add(spans, colon + 1, i, REDACT_KEY);
            return;
        }
        colon = text.p[i] == ':' && colon == 0 ? i : colon;
    }
}

/* ---- who and where ---- */

/* Around the '@' at `at`. */
static void find_email(struct sv text, size_t at, struct redact_spans *spans)
{
    size_t first = at, last = at + 1, dot = 0;
    while (first > 0 && at - first < NAME_MAX_BYTES && is_local(text.p[first - 1])) {
        first--;
    }
    while (last < text.n && last - at < 255 &&
           (is_alnum(text.p[last]) || text.p[last] == '-' ||
            (text.p[last] == '.' && last + 1 < text.n && is_alnum(text.p[last + 1])))) {
        dot = text.p[last] == '.' ? last : dot;
        last++;
    }
    if (first < at && dot > at + 1 && last - dot > 2) {
        redact_spans_add(spans, first, last, REDACT_EMAIL);
    }
}

static size_t home_at(struct sv text, struct sv home)
{
    static const char *const roots[] = {"/home/", "/Users/", ":\\Users\\"};
    if (home.n > 1 && sv_starts_with(text, home) &&
        (text.n == home.n || !is_token(text.p[home.n]))) {
        return home.n;
    }
    for (size_t i = 0; i < COUNT_OF(roots); i++) {
        struct sv root = sv_from(roots[i]);
        if (sv_starts_with(text, root)) {
            size_t n = token_length(sv_skip(text, root.n), ".");
            return n > 0 ? root.n + n : 0;
        }
    }
    return 0;
}

/* ---- all of them ---- */

/* Gives how far it goes. */
static size_t find_word(struct sv text, size_t at, struct redact_spans *spans)
{
    struct sv rest = sv_skip(text, at);
    size_t n = shape_at(rest);
    n = n ? n : private_key_at(rest);
    if (n > 0) {
        redact_spans_add(spans, at, at + n, REDACT_KEY);
        return n;
    }
    return 0;
}

void redact_find(struct sv text, struct sv home, struct redact_spans *spans)
{
    char before = '\0';
    for (size_t i = 0; i < text.n; before = text.p[i - 1]) {
        char c = text.p[i];
        size_t n = !is_alnum(before) && (is_token(c)) ? find_word(text, i, spans) : 0;
        if (n == 0 && is_token(c) && !is_token(before) && before != '+') {
            find_random(text, i, spans);
            find_credentials(text, i, spans);
            find_user(text, i, spans);
            n = find_setting(text, i, spans);
        } else if (c == '@') {
            find_email(text, i, spans);
        } else if (c == ':' && sv_starts_with(sv_skip(text, i), SV("://"))) {
            find_in_url(text, i, spans);
        }
        if ((c == '/' || c == ':') && (c == ':' || !is_alnum(before))) {
            size_t length = home_at(sv_skip(text, i), home);
            if (length > 0) {
                redact_spans_add(spans, i, i + length, REDACT_HOME);
            }
        }
        i += n > 0 ? n : 1;
    }
}
