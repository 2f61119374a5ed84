/*
 * What a base URL may be. Stricter than RFC 3986: whatever two parsers might read differently is
 * refused, since the host that is checked here has to be the host that libcurl connects to.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "app/http.h"
#include "base/alloc.h"

#define HOST_MAX 253
#define SHOWN 100

static bool is_loopback_v4(const unsigned char *address)
{
    return address[0] == 127;
}

static bool is_loopback_v6(const unsigned char address[16])
{
    static const unsigned char self[16] = {[15] = 1};
    static const unsigned char mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    return memcmp(address, self, sizeof(self)) == 0 ||
           (memcmp(address, mapped, sizeof(mapped)) == 0 && is_loopback_v4(address + 12));
}

static struct sv without_brackets(struct sv host)
{
    bool bracketed = host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    return bracketed ? sv_take(sv_skip(host, 1), host.n - 2) : host;
}

bool http_is_loopback(const char *host)
{
    struct sv bare = without_brackets(sv_from(host));
    char name[HOST_MAX + 1];
    unsigned char address[16];
    if (bare.n == 0 || bare.n > HOST_MAX || sv_find(bare, '\0') < bare.n) {
        return false;
    }
    memcpy(name, bare.p, bare.n);
    name[bare.n] = '\0';
    if (inet_pton(AF_INET, name, address) == 1) {
        return is_loopback_v4(address);
    }
    if (inet_pton(AF_INET6, name, address) == 1) {
        return is_loopback_v6(address);
    }
    struct sv last = bare.n >= 10 ? sv_skip(bare, bare.n - 10) : bare;
    return sv_equal_nocase(bare, SV("localhost")) || sv_equal_nocase(last, SV(".localhost"));
}

static bool has_scheme(struct sv url, struct sv scheme, struct sv *ret_rest)
{
    if (!sv_equal_nocase(sv_take(url, scheme.n), scheme)) {
        return false;
    }
    *ret_rest = sv_skip(url, scheme.n);
    return true;
}

static bool is_port(struct sv text)
{
    uint64_t number;
    return text.n <= 5 && sv_to_u64(text, &number) && number >= 1 && number <= 65535;
}

/* "host", "host:port", "[v6]", "[v6]:port". */
static bool split_authority(struct sv authority, struct sv *ret_host)
{
    size_t end = authority.n && authority.p[0] == '[' ? sv_find(authority, ']') + 1
                                                      : sv_find(authority, ':');
    struct sv host = sv_take(authority, end);
    struct sv rest = sv_skip(authority, end);
    if (rest.n && (rest.p[0] != ':' || !is_port(sv_skip(rest, 1)))) {
        return false;
    }
    *ret_host = without_brackets(host);
    return end <= authority.n;
}

static bool is_host_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '-' || c == '_' || (c & 0x80);
}

static bool is_host(struct sv host, bool v6)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char address[16];
    if (v6) {
        if (host.n >= sizeof(text)) {
            return false;
        }
        memcpy(text, host.p, host.n);
        text[host.n] = '\0';
        return inet_pton(AF_INET6, text, address) == 1;
    }
    for (size_t i = 0; i < host.n; i++) {
        if (!is_host_char(host.p[i])) {
            return false;
        }
    }
    return host.n > 0 && host.n <= HOST_MAX;
}

static bool has_odd_bytes(struct sv url)
{
    for (size_t i = 0; i < url.n; i++) {
        unsigned char c = (unsigned char)url.p[i];
        if (c <= ' ' || c == 0x7F || strchr("\\\"<>^`{|}", c)) {
            return true;
        }
    }
    return false;
}

/* The reason why the URL is refused, or NULL. */
static const char *refuse(struct sv url, bool *ret_plain, struct sv *ret_host)
{
    struct sv rest;
    bool plain = has_scheme(url, SV("http://"), &rest);
    if (!plain && !has_scheme(url, SV("https://"), &rest)) {
        return "it must begin with https:// or http://";
    }
    if (has_odd_bytes(url)) {
        return "it holds spaces or characters that no URL has";
    }
    if (sv_find(url, '#') < url.n) {
        return "it has a fragment (#)";
    }
    size_t end = sv_find(rest, '/');
    size_t query = sv_find(rest, '?');
    struct sv authority = sv_take(rest, end < query ? end : query);
    if (sv_find(authority, '@') < authority.n) {
        return "it holds a user name or password";
    }
    bool v6 = authority.n && authority.p[0] == '[';
    if (!split_authority(authority, ret_host) || !is_host(*ret_host, v6)) {
        return "its host or port is not valid";
    }
    *ret_plain = plain;
    return NULL;
}

/* A URL with a password in it is not shown from there on. */
static struct sv shown(struct sv url)
{
    struct sv head = sv_take(url, SHOWN);
    bool secret = sv_find(head, '@') < head.n || sv_find(head, '?') < head.n;
    return secret ? sv_take(head, sv_find_sv(head, SV("://"))) : head;
}

enum err_code http_check_url(const char *url, bool allow_plain, char **ret_host, struct err *err)
{
    struct sv text = sv_from(url);
    struct sv host;
    bool plain;
    const char *reason = refuse(text, &plain, &host);
    if (reason) {
        return err_set(err, ERR_CONFIG, "the URL '%.*s' cannot be used: %s", SV_ARG(shown(text)),
                       reason);
    }
    char *name = xstrndup(host.p, host.n);
    if (plain && !allow_plain && !http_is_loopback(name)) {
        (void)err_set(err, ERR_CONFIG,
                      "the URL of '%s' is not encrypted; use https:// or allow plain http for it",
                      name);
        free(name);
        return ERR_CONFIG;
    }
    *ret_host = name;
    return ERR_OK;
}
