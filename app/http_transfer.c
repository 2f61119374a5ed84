/* One transfer: its options, what curl's callbacks gather, its clocks, and why it ended. */
#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "app/http_internal.h"
#include "app/version.h"
#include "base/alloc.h"
#include "base/clock.h"

#define HEAD_MAX ((size_t)256 << 10)
#define VALUE_MAX 1000
#define WAITING_BODY_MAX ((size_t)64 << 20)
#define SPARE_CONNECT_MS 2000L
/* libcurl sends less than that together with the head. */
#define POST_LARGE ((curl_off_t)64 << 10)

static void touch(struct http_transfer *transfer, enum http_phase phase)
{
    transfer->phase = phase;
    transfer->since_us = clock_mono_us();
}

static void end_with(struct http_transfer *transfer, enum err_code code, const struct err *err)
{
    if (!transfer->ended) {
        transfer->ended = true;
        transfer->code = code;
        transfer->err = *err;
    }
}

static void new_head(struct http_transfer *transfer, struct sv line)
{
    uint64_t status = 0;
    struct sv rest = sv_skip(line, sv_find(line, ' ') + 1);
    (void)sv_to_u64(sv_take(rest, 3), &status);
    transfer->status = (int)status;
    retry_head_init(&transfer->retry);
    buf_clear(&transfer->content_type);
    buf_clear(&transfer->request_id);
}

static void take_header(struct http_transfer *transfer, struct sv name, struct sv value)
{
    if (sv_equal_nocase(name, SV("content-type"))) {
        buf_clear(&transfer->content_type);
        (void)buf_append_sv(&transfer->content_type, sv_take(value, VALUE_MAX));
    } else if (sv_equal_nocase(name, SV("x-request-id")) ||
               (sv_equal_nocase(name, SV("request-id")) && transfer->request_id.n == 0)) {
        buf_clear(&transfer->request_id);
        (void)buf_append_sv(&transfer->request_id, sv_take(value, VALUE_MAX));
    } else {
        retry_head_take(&transfer->retry, name, value);
    }
}

/* Called once per line of the head, also of provisional ones (1xx), and for trailers. */
static size_t on_header(char *bytes, size_t size, size_t count, void *ctx)
{
    struct http_transfer *transfer = ctx;
    size_t length = size * count;
    struct sv line = sv_trim(sv_of(bytes, length));
    touch(transfer, HTTP_RECEIVING);
    transfer->head_bytes += length;
    if (transfer->head_bytes > HEAD_MAX) {
        struct err err;
        (void)err_set(&err, ERR_PROTOCOL, "'%s' sent a head that is too large", transfer->host);
        end_with(transfer, ERR_PROTOCOL, &err);
        return 0;
    }
    if (transfer->head_whole) {
        return length;
    }
    if (sv_starts_with(line, SV("HTTP/"))) {
        new_head(transfer, line);
    } else if (line.n == 0) {
        transfer->head_whole = transfer->status >= 200;
    } else {
        size_t colon = sv_find(line, ':');
        take_header(transfer, sv_trim(sv_take(line, colon)), sv_trim(sv_skip(line, colon + 1)));
    }
    return length;
}

/* A large request was read to its end, and is being answered: curl does not begin again. An answer
 * may take minutes, and a conversation megabytes. */
static void forget_post(struct http_transfer *transfer)
{
    if (transfer->post && transfer->post_read >= POST_LARGE &&
        transfer->post_read == transfer->post_size) {
        free(transfer->post);
        transfer->post = NULL;
    }
}

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
    struct http_transfer *transfer = ctx;
    size_t length = size * count;
    touch(transfer, HTTP_RECEIVING);
    forget_post(transfer);
    if (!buf_append(&transfer->body, bytes, length)) {
        struct err err;
        (void)err_set(&err, ERR_TOO_BIG, "'%s' sent more than could be taken", transfer->host);
        end_with(transfer, ERR_TOO_BIG, &err);
        return 0;
    }
    return length;
}

static size_t on_upload(char *out, size_t size, size_t count, void *ctx)
{
    struct http_transfer *transfer = ctx;
    size_t length = (size_t)(transfer->post_size - transfer->post_read);
    length = length < size * count ? length : size * count;
    if (length > 0) {
        memcpy(out, transfer->post + transfer->post_read, length);
    }
    transfer->post_read += (curl_off_t)length;
    return length;
}

/* Where a connection that was kept turns out to be dead, the request is sent on another. */
static int on_upload_again(void *ctx, curl_off_t offset, int origin)
{
    struct http_transfer *transfer = ctx;
    if (!transfer->post || origin != SEEK_SET || offset < 0 || offset > transfer->post_size) {
        return CURL_SEEKFUNC_FAIL;
    }
    transfer->post_read = offset;
    return CURL_SEEKFUNC_OK;
}

/* The connection stands, the request is about to be sent. */
static int on_connected(void *ctx, char *peer, char *local, int peer_port, int local_port)
{
    (void)peer;
    (void)local;
    (void)peer_port;
    (void)local_port;
    touch(ctx, HTTP_WAITING);
    return CURL_PREREQFUNC_OK;
}

/* The wait for the first byte begins when the last byte of the request has gone out. */
static int on_progress(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    struct http_transfer *transfer = ctx;
    (void)down_total;
    (void)down;
    (void)up_total;
    if (transfer->phase == HTTP_WAITING && up != transfer->uploaded) {
        transfer->uploaded = up;
        touch(transfer, HTTP_WAITING);
    }
    return 0;
}

/* A program that is started meanwhile must not inherit the connection: it would stay open after a
 * cancel. */
static curl_socket_t on_open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)ctx;
    (void)purpose;
#ifdef SOCK_CLOEXEC
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
#else
    int fd = socket(address->family, address->socktype, address->protocol);
    if (fd >= 0) {
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    return fd;
#endif
}

static bool has_line_break(struct sv text)
{
    return sv_find(text, '\r') < text.n || sv_find(text, '\n') < text.n;
}

static bool add_header(struct http_transfer *transfer, const char *header)
{
    struct curl_slist *list = transfer->api->slist_append(transfer->headers, header);
    if (list) {
        transfer->headers = list;
    }
    return list != NULL;
}

/* A header's value may be a key: error texts name only what stands before the colon. */
static enum err_code add_headers(struct http_transfer *transfer, const struct http_request *request,
                                 struct err *err)
{
    bool added = add_header(transfer, "Expect:");
    if (request->body.p) {
        added = added && add_header(transfer, "Content-Type: application/json");
    }
    for (const char *const *header = request->headers; header && *header; header++) {
        struct sv text = sv_from(*header);
        size_t colon = sv_find(text, ':');
        if (has_line_break(text) || colon == 0 || colon == text.n) {
            bool named = !has_line_break(sv_take(text, colon)) && colon < 64;
            return err_set(err, ERR_INVALID, "the header '%.*s' is malformed or has a line break",
                           named && colon < text.n ? (int)colon : 0, *header);
        }
        added = added && add_header(transfer, *header);
    }
    return added ? ERR_OK : err_set(err, ERR_NO_MEMORY, "out of memory for a request");
}

static bool set_long(struct http_transfer *transfer, CURLoption option, long value)
{
    return transfer->api->easy_setopt(transfer->easy, option, value) == CURLE_OK;
}

static bool set_pointer(struct http_transfer *transfer, CURLoption option, const void *value)
{
    return transfer->api->easy_setopt(transfer->easy, option, value) == CURLE_OK;
}

static bool set_callbacks(struct http_transfer *transfer)
{
    const struct curl_api *api = transfer->api;
    return api->easy_setopt(transfer->easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           api->easy_setopt(transfer->easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           api->easy_setopt(transfer->easy, CURLOPT_PREREQFUNCTION, on_connected) == CURLE_OK &&
           api->easy_setopt(transfer->easy, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
           set_long(transfer, CURLOPT_NOPROGRESS, 0) &&
           set_pointer(transfer, CURLOPT_XFERINFODATA, transfer) &&
           api->easy_setopt(transfer->easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket) ==
               CURLE_OK &&
           set_pointer(transfer, CURLOPT_WRITEDATA, transfer) &&
           set_pointer(transfer, CURLOPT_HEADERDATA, transfer) &&
           set_pointer(transfer, CURLOPT_PREREQDATA, transfer) &&
           set_pointer(transfer, CURLOPT_PRIVATE, transfer) &&
           set_pointer(transfer, CURLOPT_ERRORBUFFER, transfer->curl_error);
}

/* curl's own clock for connecting stays behind ours; its default of 300 s would cut longer ones. */
static long connect_limit_ms(const struct http_transfer *transfer)
{
    int64_t ms = transfer->limits_us[HTTP_CONNECTING] / 1000;
    return ms > 0 && ms < 86400000 ? (long)ms + SPARE_CONNECT_MS : 86400000L;
}

static bool set_connection(struct http_transfer *transfer)
{
    return set_long(transfer, CURLOPT_NOSIGNAL, 1) &&
           set_long(transfer, CURLOPT_FOLLOWLOCATION, 0) &&
           set_long(transfer, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1) &&
           set_long(transfer, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS) &&
           set_long(transfer, CURLOPT_TCP_KEEPALIVE, 1) &&
           set_long(transfer, CURLOPT_TCP_KEEPIDLE, 30) &&
           set_long(transfer, CURLOPT_TCP_KEEPINTVL, 15) &&
           set_long(transfer, CURLOPT_CONNECTTIMEOUT_MS, connect_limit_ms(transfer)) &&
           set_pointer(transfer, CURLOPT_USERAGENT, "weir/" WEIR_VERSION);
}

static bool set_trust(struct http_transfer *transfer, const char *ca_file)
{
    struct http_trust trust = http__trust(ca_file);
    return !trust.set || (set_pointer(transfer, CURLOPT_CAINFO, trust.file) &&
                          set_pointer(transfer, CURLOPT_CAPATH, trust.folder) &&
                          set_pointer(transfer, CURLOPT_PROXY_CAINFO, trust.file) &&
                          set_pointer(transfer, CURLOPT_PROXY_CAPATH, trust.folder));
}

/* What is small goes out with the head, in one piece. */
static bool set_post(struct http_transfer *transfer, struct sv body)
{
    const struct curl_api *api = transfer->api;
    CURL *easy = transfer->easy;
    transfer->post_size = (curl_off_t)body.n;
    transfer->post = xstrndup(body.p, body.n);
    bool ok = set_long(transfer, CURLOPT_POST, 1) &&
              api->easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, transfer->post_size) == CURLE_OK;
    if (transfer->post_size < POST_LARGE) {
        return ok && set_pointer(transfer, CURLOPT_POSTFIELDS, transfer->post);
    }
    return ok && api->easy_setopt(easy, CURLOPT_READFUNCTION, on_upload) == CURLE_OK &&
           api->easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_upload_again) == CURLE_OK &&
           set_pointer(transfer, CURLOPT_READDATA, transfer) &&
           set_pointer(transfer, CURLOPT_SEEKDATA, transfer);
}

static bool set_request(struct http_transfer *transfer, const struct http_request *request)
{
    bool ok = set_pointer(transfer, CURLOPT_URL, request->url) &&
              set_pointer(transfer, CURLOPT_HTTPHEADER, transfer->headers);
    if (request->body.p) {
        ok = ok && set_post(transfer, request->body);
    }
    if (request->proxy) {
        ok = ok && set_pointer(transfer, CURLOPT_PROXY, request->proxy);
    }
    /* A proxy for the world outside does not reach this machine. */
    if (http_is_loopback(transfer->host)) {
        ok = ok && set_pointer(transfer, CURLOPT_NOPROXY, "*");
    }
    /* Not known before 7.85; the URL's scheme is checked and redirects are off anyway. */
    (void)set_pointer(transfer, CURLOPT_PROTOCOLS_STR, "http,https");
    return ok;
}

static enum err_code set_up(struct http_transfer *transfer, const struct http_request *request,
                            struct err *err)
{
    enum err_code code = http_check_url(request->url, true, &transfer->host, err);
    if (code) {
        return code;
    }
    transfer->easy = transfer->api->easy_init();
    if (!transfer->easy) {
        return err_set(err, ERR_NO_MEMORY, "out of memory for a request to '%s'", transfer->host);
    }
    code = add_headers(transfer, request, err);
    if (code) {
        return code;
    }
    if (!set_callbacks(transfer) || !set_connection(transfer) ||
        !set_trust(transfer, request->ca_file) || !set_request(transfer, request)) {
        return err_set(err, ERR_UNSUPPORTED, "libcurl refuses an option for '%s'", transfer->host);
    }
    return ERR_OK;
}

enum err_code http__transfer_new(const struct curl_api *api, const struct http_request *request,
                                 struct http_transfer **ret_transfer, struct err *err)
{
    struct http_transfer *transfer = xcalloc(1, sizeof(*transfer));
    transfer->api = api;
    transfer->limits_us[HTTP_CONNECTING] = request->connect_us;
    transfer->limits_us[HTTP_WAITING] = request->first_byte_us;
    transfer->limits_us[HTTP_RECEIVING] = request->idle_us;
    retry_head_init(&transfer->retry);
    buf_init(&transfer->content_type, VALUE_MAX);
    buf_init(&transfer->request_id, VALUE_MAX);
    buf_init(&transfer->body, WAITING_BODY_MAX);
    touch(transfer, HTTP_CONNECTING);
    enum err_code code = set_up(transfer, request, err);
    if (code) {
        http__transfer_free(transfer);
        return code;
    }
    *ret_transfer = transfer;
    return ERR_OK;
}

/* Through a volatile pointer, so that it is not left out as a write to memory nobody reads. */
static void wipe(char *bytes)
{
    for (volatile char *p = bytes; *p; p++) {
        *p = '\0';
    }
}

void http__transfer_free(struct http_transfer *transfer)
{
    if (!transfer) {
        return;
    }
    if (transfer->easy) {
        transfer->api->easy_cleanup(transfer->easy);
    }
    for (struct curl_slist *item = transfer->headers; item; item = item->next) {
        wipe(item->data);
    }
    transfer->api->slist_free_all(transfer->headers);
    buf_release(&transfer->content_type);
    buf_release(&transfer->request_id);
    buf_release(&transfer->body);
    free(transfer->post);
    free(transfer->host);
    free(transfer);
}

int64_t http__transfer_deadline(const struct http_transfer *transfer)
{
    int64_t limit = transfer->limits_us[transfer->phase];
    if (transfer->ended || limit <= 0 || limit > CLOCK_NEVER - transfer->since_us) {
        return CLOCK_NEVER;
    }
    return transfer->since_us + limit;
}

void http__transfer_expire(struct http_transfer *transfer)
{
    static const char *const formats[] = {
        "cannot connect to '%s' within %" PRId64 " ms",
        "no answer from '%s' within %" PRId64 " ms",
        "no byte from '%s' for %" PRId64 " ms",
    };
    static const char *const whole[] = {
        "cannot connect to '%s' within %" PRId64 " s",
        "no answer from '%s' within %" PRId64 " s",
        "no byte from '%s' for %" PRId64 " s",
    };
    int64_t ms = transfer->limits_us[transfer->phase] / 1000;
    struct err err;
    /* Without a connection nobody can have begun to answer. */
    transfer->passing = transfer->phase == HTTP_CONNECTING;
    if (ms % 1000) {
        (void)err_set(&err, ERR_TIMEOUT, formats[transfer->phase], transfer->host, ms);
    } else {
        (void)err_set(&err, ERR_TIMEOUT, whole[transfer->phase], transfer->host, ms / 1000);
    }
    end_with(transfer, ERR_TIMEOUT, &err);
}

/* What curl's codes mean for us; the text stands before the host and what curl says about it. */
static const struct {
    CURLcode result;
    enum err_code code;
    bool passing;
    const char *text;
} meanings[] = {
    {CURLE_COULDNT_RESOLVE_HOST, ERR_UNREACHABLE, true, "cannot find"},
    {CURLE_COULDNT_RESOLVE_PROXY, ERR_UNREACHABLE, true, "cannot find the proxy on the way to"},
    {CURLE_PROXY, ERR_UNREACHABLE, false, "the proxy failed on the way to"},
    {CURLE_COULDNT_CONNECT, ERR_UNREACHABLE, true, "cannot connect to"},
    {CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT, true, "time ran out for"},
    {CURLE_PEER_FAILED_VERIFICATION, ERR_UNREACHABLE, false, "cannot trust the TLS certificate of"},
    {CURLE_SSL_CONNECT_ERROR, ERR_UNREACHABLE, true, "TLS failed with"},
    {CURLE_SSL_CIPHER, ERR_UNREACHABLE, false, "TLS failed with"},
    {CURLE_SSL_ISSUER_ERROR, ERR_UNREACHABLE, false, "cannot trust the TLS certificate of"},
    {CURLE_SSL_INVALIDCERTSTATUS, ERR_UNREACHABLE, false, "cannot trust the TLS certificate of"},
    {CURLE_SSL_CACERT_BADFILE, ERR_CONFIG, false, "cannot read the certificates to check"},
    {CURLE_URL_MALFORMAT, ERR_CONFIG, false, "the URL is malformed for"},
    {CURLE_UNSUPPORTED_PROTOCOL, ERR_PROTOCOL, false, "no HTTP is spoken by"},
    {CURLE_WEIRD_SERVER_REPLY, ERR_PROTOCOL, false, "no HTTP is spoken by"},
    {CURLE_GOT_NOTHING, ERR_PROTOCOL, true, "the connection was closed without an answer by"},
    {CURLE_PARTIAL_FILE, ERR_PROTOCOL, true, "the answer was cut by"},
    {CURLE_RECV_ERROR, ERR_PROTOCOL, true, "the connection broke with"},
    {CURLE_SEND_ERROR, ERR_PROTOCOL, true, "the connection broke with"},
    {CURLE_HTTP2, ERR_PROTOCOL, true, "the connection broke with"},
    {CURLE_HTTP2_STREAM, ERR_PROTOCOL, true, "the connection broke with"},
    {CURLE_OUT_OF_MEMORY, ERR_PROTOCOL, false, "a head that is too large came from"},
};

/* In the style of our texts: no capital at the start unless it is an acronym, no full stop. */
static struct sv tidy(char *text)
{
    if (isupper((unsigned char)text[0]) && islower((unsigned char)text[1])) {
        text[0] = (char)tolower((unsigned char)text[0]);
    }
    struct sv bare = sv_trim(sv_from(text));
    return sv_ends_with(bare, SV(".")) ? sv_take(bare, bare.n - 1) : bare;
}

/* curl shows the proxy's address as it was given, name and password of a login with it. */
static void append_reason(struct sv reason, struct buf *out)
{
    if (sv_find(reason, '@') == reason.n) {
        (void)buf_append_sv(out, reason);
    } else {
        (void)buf_append_sv(out, sv_take(reason, sv_find(reason, '\'')));
        (void)buf_append_str(out, "an address that holds a login, which is not shown");
    }
}

/* Where curl names another host, it is a proxy of the config or of the environment. */
static bool failed_at_proxy(const struct http_transfer *transfer, CURLcode result)
{
    struct sv said = sv_from(transfer->curl_error);
    return result == CURLE_COULDNT_CONNECT && said.n > 0 &&
           sv_find_sv(said, sv_from(transfer->host)) == said.n;
}

/* A tunnel through a proxy was asked for, and denied. */
static bool proxy_refused(const struct http_transfer *transfer)
{
    long status = 0;
    return transfer->api->easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &status) ==
               CURLE_OK &&
           status >= 300;
}

void http__transfer_end(struct http_transfer *transfer, CURLcode result)
{
    struct err err = {.code = ERR_OK};
    enum err_code code = transfer->head_whole ? ERR_PROTOCOL : ERR_UNREACHABLE;
    const char *text = "the request failed with";
    if (result == CURLE_OK) {
        end_with(transfer, ERR_OK, &err);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(meanings); i++) {
        if (meanings[i].result == result) {
            code = meanings[i].code;
            text = meanings[i].text;
            transfer->passing = meanings[i].passing;
        }
    }
    if (proxy_refused(transfer)) {
        code = ERR_UNREACHABLE;
        text = "the proxy refused to connect to";
        transfer->passing = false;
    } else if (failed_at_proxy(transfer, result)) {
        text = "cannot connect to the proxy on the way to";
    }
    char *said = transfer->curl_error;
    struct buf reason = BUF_INIT(ERR_TEXT_SIZE);
    append_reason(*said ? tidy(said) : sv_from(transfer->api->easy_strerror(result)), &reason);
    (void)err_set(&err, code, "%s '%s': %s", text, transfer->host, buf_cstr(&reason));
    buf_release(&reason);
    end_with(transfer, code, &err);
}
