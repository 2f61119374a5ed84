/*
 * Error bodies: what a server says when it refuses, in any of the shapes in use, and what it means
 * for us: whose fault it is, and whether trying again can help.
 *
 * Shapes: {"error":{"message"}}, {"error":"text"}, {"type":"error","error":{}}, the same in an
 * array of one, {"object":"error","message"}, {"detail":"text" or a list}, {"message":"text"}.
 */
#include <stdlib.h>
#include <string.h>

#include "app/codec.h"
#include "app/json.h"
#include "app/retry.h"
#include "base/utf8.h"

/* What is shown of a server's words. */
#define SHOWN_BYTES ((size_t)1200)
#define SHOWN_CHARACTERS 300
/* What is read of one of its texts, and room for several. */
#define MESSAGE_BYTES ((size_t)8 << 10)
#define MESSAGE_MAX ((size_t)64 << 10)

/* What classification looks at besides the status. */
struct clue {
    int number;      /* a status in the body, or 0 */
    struct sv codes; /* code, type, details: what is written for programs */
    struct sv words; /* those and the message, in one text */
    int64_t wait_us; /* -1: not said */
};

static const cJSON *error_root(const cJSON *tree)
{
    const cJSON *root = cJSON_IsArray(tree) ? cJSON_GetArrayItem(tree, 0) : tree;
    return cJSON_IsObject(root) ? root : NULL;
}

/* The object that has the message in it: the one under "error", or the root itself. */
static const cJSON *error_object(const cJSON *root)
{
    const cJSON *error = json_get(root, "error");
    return cJSON_IsObject(error) ? error : root;
}

static bool append_text(struct sv text, struct buf *out)
{
    struct sv bare = sv_trim(text);
    return bare.n > 0 && buf_append(out, bare.p, utf8_cut(bare.p, bare.n, MESSAGE_BYTES));
}

/* A list of validation errors: their messages, with a comma between. */
static bool append_list(const cJSON *list, struct buf *out)
{
    bool any = false;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        struct sv text =
            cJSON_IsString(item) ? sv_from(item->valuestring) : json_get_text(item, "msg");
        text = text.n ? text : json_get_text(item, "message");
        if (text.n) {
            (void)buf_append_str(out, any ? ", " : "");
            any = append_text(text, out) || any;
        }
    }
    return any;
}

static bool append_detail(const cJSON *detail, struct buf *out)
{
    if (cJSON_IsString(detail)) {
        return append_text(sv_from(detail->valuestring), out);
    }
    if (cJSON_IsArray(detail)) {
        return append_list(detail, out);
    }
    return append_text(json_get_text(detail, "message"), out) ||
           append_text(json_get_text(detail, "error"), out) ||
           append_list(json_get(detail, "detail"), out);
}

static bool append_message(const cJSON *root, struct buf *out)
{
    const cJSON *error = json_get(root, "error");
    if (cJSON_IsString(error)) {
        return append_text(sv_from(error->valuestring), out);
    }
    const cJSON *object = error_object(root);
    return append_text(json_get_text(object, "message"), out) ||
           append_detail(json_get(object, "message"), out) ||
           append_detail(json_get(object, "detail"), out) ||
           append_text(json_get_text(object, "code"), out) ||
           (object != root && append_text(json_get_text(object, "type"), out));
}

bool error_body_message(struct sv body, struct buf *ret_message)
{
    cJSON *tree = json_parse(body);
    bool found = append_message(error_root(tree), ret_message);
    cJSON_Delete(tree);
    return found;
}

/* A number in the body counts when it is an HTTP status: as a number, or as digits. */
static int body_number(const cJSON *object)
{
    static const char *const names[] = {"code", "status", "status_code"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        int64_t number = 0;
        uint64_t digits = 0;
        if (!json_get_int(object, names[i], &number) &&
            sv_to_u64(json_get_text(object, names[i]), &digits)) {
            number = digits < 1000 ? (int64_t)digits : 0;
        }
        if (number >= 300 && number < 600) {
            return (int)number;
        }
    }
    return 0;
}

static void append_words(const cJSON *object, struct buf *words)
{
    static const char *const names[] = {"code", "type", "status"};
    for (size_t i = 0; object && i < COUNT_OF(names); i++) {
        (void)buf_append_sv(words, json_get_text(object, names[i]));
        (void)buf_append_byte(words, ' ');
    }
}

/* What Google and Anthropic add: reasons, which quota was passed, and when to come back. */
static void append_detail_words(const cJSON *detail, struct buf *words, int64_t *wait_us)
{
    static const char *const names[] = {"reason", "error_code", "quotaId"};
    struct retry_when when;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        (void)buf_append_sv(words, json_get_text(detail, names[i]));
        (void)buf_append_byte(words, ' ');
    }
    if (retry_when_parse(json_get_text(detail, "retryDelay"), &when) && when.span_us >= 0) {
        *wait_us = when.span_us;
    }
    const cJSON *violation;
    cJSON_ArrayForEach(violation, json_get(detail, "violations"))
    {
        (void)buf_append_sv(words, json_get_text(violation, "quotaId"));
        (void)buf_append_byte(words, ' ');
    }
}

static void append_details(const cJSON *details, struct buf *words, int64_t *wait_us)
{
    const cJSON *detail;
    if (cJSON_IsObject(details)) {
        append_detail_words(details, words, wait_us);
        return;
    }
    cJSON_ArrayForEach(detail, details)
    {
        append_detail_words(detail, words, wait_us);
    }
}

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '-' || c == '*' || c == '.';
}

/* "Please try again in 6m0s." A number without a unit may be of anything. */
static int64_t wait_in_words(struct sv words)
{
    static const struct sv phrases[] = {SV("try again in "), SV("retry in ")};
    struct retry_when when;
    for (size_t i = 0; i < COUNT_OF(phrases); i++) {
        struct sv rest = sv_skip(words, sv_find_sv(words, phrases[i]));
        rest = sv_skip(rest, phrases[i].n);
        size_t n = 0;
        while (n < rest.n && is_word(rest.p[n])) {
            n++;
        }
        while (n > 0 && rest.p[n - 1] == '.') {
            n--;
        }
        bool has_unit = n > 0 && rest.p[n - 1] >= 'a' && rest.p[n - 1] <= 'z';
        if (has_unit && retry_when_parse(sv_take(rest, n), &when) && when.span_us >= 0) {
            return when.span_us;
        }
    }
    return -1;
}

static void read_clue(struct sv body, struct buf *message, struct buf *words, struct clue *ret_clue)
{
    cJSON *tree = json_parse(body);
    const cJSON *root = error_root(tree);
    const cJSON *object = error_object(root);
    if (!append_message(root, message)) {
        (void)utf8_append_valid(message, sv_take(sv_trim(body), SHOWN_BYTES));
    }
    append_words(object, words);
    if (object != root) {
        append_words(root, words);
    }
    int64_t wait_us = -1;
    append_details(json_get(object, "details"), words, &wait_us);
    size_t codes = words->n;
    (void)buf_append_sv(words, sv_take(buf_sv(message), SHOWN_BYTES));
    for (size_t i = 0; i < words->n; i++) {
        char c = words->p[i];
        words->p[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    struct sv all = buf_sv(words);
    wait_us = wait_us < 0 ? wait_in_words(sv_skip(all, codes)) : wait_us;
    *ret_clue = (struct clue){body_number(object), sv_take(all, codes), all, wait_us};
    cJSON_Delete(tree);
}

static bool says(struct sv words, const char *const *phrases)
{
    for (; *phrases; phrases++) {
        if (sv_find_sv(words, sv_from(*phrases)) < words.n) {
            return true;
        }
    }
    return false;
}

/* All in lower case, as the words are. */
static const char *const too_long[] = {"context_length_exceeded",
                                       "exceed_context_size",
                                       "context length",
                                       "context limit",
                                       "context window",
                                       "prompt is too long",
                                       "context size",
                                       "input token count",
                                       NULL};
static const char *const no_credit[] = {"insufficient_quota",
                                        "credit_balance",
                                        "insufficient_credits",
                                        "billing",
                                        "spend_limit",
                                        "perday",
                                        NULL};
/* Of people: also said of limits that pass, so only where no wait is named. */
static const char *const no_credit_said[] = {"insufficient_quota",
                                             "insufficient credits",
                                             "credit balance",
                                             "current quota",
                                             "billing",
                                             "spend limit",
                                             NULL};
static const char *const passes[] = {"rate_limit", "slow_down", NULL};
static const char *const bad_key[] = {"api_key_invalid", "api key not valid", NULL};

/* An error inside an answer that began well has no status of its own: what its words amount to. */
static const struct {
    int status;
    const char *const words[6];
} meanings[] = {
    {401, {"invalid_api_key", "authentication_error", "unauthenticated", NULL}},
    {403, {"permission_error", "permission_denied", NULL}},
    {402, {"billing_error", "credit_balance", NULL}},
    {404, {"not_found_error", "model_not_found", NULL}},
    {413, {"request_too_large", NULL}},
    {504, {"timeout_error", NULL}},
    {429,
     {"rate_limit", "resource_exhausted", "slow_down", "too many requests", "insufficient_quota",
      NULL}},
    {503, {"overloaded", "unavailable", "loading model", NULL}},
    {400, {"invalid_request", "invalid_argument", "bad_request", "badrequest", NULL}},
};

static int effective_status(int status, struct clue clue)
{
    if (status >= 300) {
        return status;
    }
    for (size_t i = 0; clue.number == 0 && i < COUNT_OF(meanings); i++) {
        if (says(clue.words, meanings[i].words)) {
            return meanings[i].status;
        }
    }
    return clue.number ? clue.number : 500;
}

struct verdict {
    int status;
    enum err_code code;
    bool retryable;
    const char *hint;
};

static const struct verdict verdicts[] = {
    {400, ERR_REJECTED, false, "rejected the request"},
    {401, ERR_AUTH, false, "refused the key; check it"},
    {402, ERR_REJECTED, false, "wants to be paid first; check the account"},
    {403, ERR_AUTH, false, "does not allow this with this key"},
    {404, ERR_REJECTED, false,
     "knows no such model or address; check the model's name and the base URL"},
    {405, ERR_CONFIG, false, "does not offer this protocol; check the base URL"},
    {407, ERR_UNREACHABLE, false, "cannot be reached: the proxy wants a login; check its URL"},
    {408, ERR_TIMEOUT, true, "gave up waiting"},
    {409, ERR_SERVER, true, "reports a conflict"},
    {413, ERR_TOO_BIG, false, "says that the request is too large"},
    {422, ERR_REJECTED, false, "rejected the request"},
    {429, ERR_RATE_LIMIT, true, "limits the rate of requests"},
    {498, ERR_SERVER, true, "has no free capacity"},
    {500, ERR_SERVER, true, "failed"},
    {501, ERR_SERVER, false, "does not offer this"},
    {502, ERR_SERVER, true, "has trouble behind its gateway"},
    {503, ERR_SERVER, true, "is overloaded or not ready"},
    {504, ERR_SERVER, true, "has trouble behind its gateway"},
    {529, ERR_SERVER, true, "is overloaded"},
};

static struct verdict verdict_of_status(int status)
{
    for (size_t i = 0; i < COUNT_OF(verdicts); i++) {
        if (verdicts[i].status == status) {
            return verdicts[i];
        }
    }
    if (status < 400) {
        return (struct verdict){status, ERR_CONFIG, false, "redirects; check the base URL"};
    }
    return status < 500 ? (struct verdict){status, ERR_REJECTED, false, "rejected the request"}
                        : (struct verdict){status, ERR_SERVER, true, "failed"};
}

/* A limit that does not pass within the day, or before somebody pays. */
static bool is_used_up(struct clue clue)
{
    bool may_pass = clue.wait_us >= 0 || says(clue.codes, passes);
    return says(clue.codes, no_credit) || (!may_pass && says(clue.words, no_credit_said));
}

static struct verdict judge(int status, struct clue clue)
{
    struct verdict verdict = verdict_of_status(effective_status(status, clue));
    if (verdict.code != ERR_AUTH && verdict.code != ERR_CONFIG && says(clue.words, too_long)) {
        verdict.code = ERR_REJECTED;
        verdict.retryable = false;
        verdict.hint = "says that the conversation is too long for this model";
    } else if (verdict.code == ERR_REJECTED && says(clue.words, bad_key)) {
        verdict = verdict_of_status(401);
    } else if (verdict.code == ERR_RATE_LIMIT && is_used_up(clue)) {
        verdict.retryable = false;
        verdict.hint = "says that the account's credit or limit is used up";
    }
    return verdict;
}

static bool is_space(char c)
{
    return (unsigned char)c <= ' ';
}

/* Servers echo the key that they refuse, whole or in part. */
static bool looks_like_key(struct sv word)
{
    static const char *const starts[] = {"sk-", "sk_", "gsk_", "AIza", "xai-", "hf_", "key-"};
    for (size_t i = 0; i < COUNT_OF(starts); i++) {
        if (word.n > 8 && sv_starts_with(word, sv_from(starts[i]))) {
            return true;
        }
    }
    return false;
}

static size_t word_length(struct sv text)
{
    size_t n = 0;
    while (n < text.n && is_word(text.p[n])) {
        n++;
    }
    return n;
}

/* On one line, without keys, at most SHOWN_CHARACTERS. */
static void append_shown(struct sv text, struct buf *out)
{
    size_t start = out->n;
    bool after_bearer = false;
    while (text.n) {
        size_t n = word_length(text);
        struct sv word = sv_take(text, n);
        if (n) {
            bool key = looks_like_key(word) || (after_bearer && n > 8);
            (void)buf_append_sv(out, key ? SV("[key]") : word);
            after_bearer = sv_equal_nocase(word, SV("bearer"));
        } else if (!is_space(text.p[0])) {
            (void)buf_append_byte(out, text.p[0]);
        } else if (out->n > start && out->p[out->n - 1] != ' ') {
            (void)buf_append_byte(out, ' ');
        }
        text = sv_skip(text, n ? n : 1);
    }
    size_t at = start;
    for (size_t shown = 0; at < out->n && shown < SHOWN_CHARACTERS; shown++) {
        at = utf8_next(out->p, out->n, at);
    }
    buf_truncate(out, at);
}

static struct sv without_stop(struct sv text)
{
    struct sv bare = sv_trim(text);
    return sv_ends_with(bare, SV(".")) ? sv_take(bare, bare.n - 1) : bare;
}

void http_failure_describe(int status, struct sv body, const char *host, const char *no_key,
                           struct http_failure *ret_failure)
{
    struct buf message = BUF_INIT(MESSAGE_MAX);
    struct buf words = BUF_INIT(MESSAGE_MAX);
    struct buf text = BUF_INIT(MESSAGE_MAX);
    struct clue clue;
    read_clue(body, &message, &words, &clue);
    struct verdict verdict = judge(status, clue);

    bool keyless = verdict.status == 401 && no_key;
    (void)buf_appendf(&text, "%s %s%s", host && *host ? host : "the server",
                      keyless ? "wants a key, and none was sent: " : verdict.hint,
                      keyless ? no_key : "");
    if (status >= 300) {
        (void)buf_appendf(&text, " (HTTP %d)", status);
    }
    struct sv shown = without_stop(
        sv_take(buf_sv(&message), utf8_cut(buf_cstr(&message), message.n, SHOWN_BYTES)));
    (void)buf_append_str(&text, shown.n ? ": " : "");
    append_shown(shown, &text);

    struct err err;
    (void)err_set(&err, verdict.code, "%s", buf_cstr(&text));
    ret_failure->code = verdict.code;
    ret_failure->retryable = verdict.retryable;
    ret_failure->wait_us = clue.wait_us;
    memcpy(ret_failure->text, err.text, sizeof(err.text));
    buf_release(&message);
    buf_release(&words);
    buf_release(&text);
}
