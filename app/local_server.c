/*
 * Looking for a model server on this machine: plain connects to loopback, all at once. Nothing is
 * sent, so whoever listens there learns nothing; the user is asked before anything is.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/provider.h"
#include "base/clock.h"

#define SERVER_COUNT 3
#define SEARCH_US CLOCK_MS(200)
#define URL_SIZE 40

static const struct {
    const char *name;
    uint16_t port;
} known[SERVER_COUNT] = {{"ollama", 11434}, {"llama.cpp", 8080}, {"lmstudio", 1234}};

/* Written once by prepare(), read-only afterwards: what is given lives as long as the process. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint16_t ports[SERVER_COUNT];
static char urls[SERVER_COUNT][URL_SIZE];
static struct local_server servers[SERVER_COUNT];

static void prepare(void)
{
    struct sv rest = sv_from(getenv("WEIR_LOCAL_PORTS"));
    for (size_t i = 0; i < SERVER_COUNT; i++) {
        size_t comma = sv_find(rest, ',');
        uint64_t port = 0;
        bool replaced = sv_to_u64(sv_trim(sv_take(rest, comma)), &port) && port <= UINT16_MAX;
        rest = sv_skip(rest, comma + 1);
        ports[i] = replaced ? (uint16_t)port : known[i].port;
        snprintf(urls[i], sizeof urls[i], "http://127.0.0.1:%u/v1", (unsigned)ports[i]);
        servers[i] = (struct local_server){known[i].name, urls[i]};
    }
}

/* A socket on its way to the port, or -1. Port 0 looks nowhere. */
static int begin_connect(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = port ? socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) : -1;
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 &&
        errno != EINPROGRESS) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static bool is_connected(int fd)
{
    int failure = 0;
    socklen_t size = sizeof failure;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) == 0 && failure == 0;
}

/* Closes what has an answer and gives its index when it is a yes; -1 otherwise. The first of the
 * table wins when several answer at once. */
static int take_answers(struct pollfd waiting[SERVER_COUNT])
{
    int found = -1;
    for (int i = 0; i < SERVER_COUNT; i++) {
        if (waiting[i].fd >= 0 && waiting[i].revents) {
            if (found < 0 && is_connected(waiting[i].fd)) {
                found = i;
            }
            close(waiting[i].fd);
            waiting[i].fd = -1;
        }
    }
    return found;
}

static bool any_left(const struct pollfd waiting[SERVER_COUNT])
{
    for (int i = 0; i < SERVER_COUNT; i++) {
        if (waiting[i].fd >= 0) {
            return true;
        }
    }
    return false;
}

const struct local_server *local_server_find(void)
{
    pthread_once(&once, prepare);
    struct pollfd waiting[SERVER_COUNT];
    for (size_t i = 0; i < SERVER_COUNT; i++) {
        waiting[i] = (struct pollfd){.fd = begin_connect(ports[i]), .events = POLLOUT};
    }
    int64_t deadline = clock_mono_us() + SEARCH_US;
    int found = -1;
    while (found < 0 && any_left(waiting)) {
        int ready = poll(waiting, SERVER_COUNT, clock_poll_ms(deadline));
        if (ready == 0 || (ready < 0 && errno != EINTR)) {
            break;
        }
        found = ready > 0 ? take_answers(waiting) : -1;
    }
    for (size_t i = 0; i < SERVER_COUNT; i++) {
        if (waiting[i].fd >= 0) {
            close(waiting[i].fd);
        }
    }
    return found < 0 ? NULL : &servers[found];
}
