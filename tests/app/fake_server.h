/*
 * A server on 127.0.0.1 for one test: every connection gets a thread that runs the script. Sockets
 * are closed and threads joined by fake_server_stop.
 */
#ifndef WEIR_TESTS_APP_FAKE_SERVER_H
#define WEIR_TESTS_APP_FAKE_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define FAKE_CONNECTIONS 32

struct fake_server;
typedef void fake_script_fn(struct fake_server *server, int fd);

struct fake_server {
    fake_script_fn *script;
    int listener;
    int port;
    pthread_t acceptor;
    pthread_t threads[FAKE_CONNECTIONS];
    int fds[FAKE_CONNECTIONS];
    size_t count;
    char request[16384];     /* of the latest connection; read after stop */
    atomic_bool received;    /* a request's head has come */
    _Atomic int64_t gone_us; /* when a client was seen to close */
};

struct fake_connection {
    struct fake_server *server;
    int fd;
};

static inline void fake_send(int fd, const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        ssize_t n = send(fd, text, left, MSG_NOSIGNAL);
        if (n <= 0) {
            return;
        }
        text += n;
        left -= (size_t)n;
    }
}

/* Reads the head of the request. */
static inline void fake_receive(struct fake_server *server, int fd)
{
    char head[sizeof(server->request)];
    size_t n = 0;
    while (n + 1 < sizeof(head)) {
        ssize_t got = recv(fd, head + n, sizeof(head) - 1 - n, 0);
        if (got <= 0) {
            break;
        }
        n += (size_t)got;
        head[n] = '\0';
        if (strstr(head, "\r\n\r\n")) {
            break;
        }
    }
    head[n] = '\0';
    memcpy(server->request, head, n + 1);
    atomic_store(&server->received, true);
}

/* Until the client closes or resets, at most 5 s; notes when. */
static inline void fake_wait_gone(struct fake_server *server, int fd)
{
    char space[65536];
    int64_t deadline = clock_mono_us() + CLOCK_S(5);
    struct pollfd entry = {.fd = fd, .events = POLLIN | POLLRDHUP};
    while (clock_mono_us() < deadline) {
        if (poll(&entry, 1, 5) > 0 && recv(fd, space, sizeof(space), 0) <= 0) {
            atomic_store(&server->gone_us, clock_mono_us());
            return;
        }
    }
}

static inline void fake_reset(int fd)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(fd);
}

static inline void fake_sleep_ms(int ms)
{
    (void)poll(NULL, 0, ms);
}

static inline void *fake_serve(void *arg)
{
    struct fake_connection connection = *(struct fake_connection *)arg;
    free(arg);
    connection.server->script(connection.server, connection.fd);
    shutdown(connection.fd, SHUT_RDWR);
    return NULL;
}

static inline void *fake_accept(void *arg)
{
    struct fake_server *server = arg;
    while (server->count < FAKE_CONNECTIONS) {
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0) {
            break;
        }
        struct fake_connection *connection = malloc(sizeof(*connection));
        *connection = (struct fake_connection){server, fd};
        server->fds[server->count] = fd;
        pthread_create(&server->threads[server->count], NULL, fake_serve, connection);
        server->count++;
    }
    return NULL;
}

static inline int fake_listen(int *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(fd, (struct sockaddr *)&address, size);
    listen(fd, FAKE_CONNECTIONS);
    getsockname(fd, (struct sockaddr *)&address, &size);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static inline struct fake_server *fake_server_start(fake_script_fn *script)
{
    struct fake_server *server = calloc(1, sizeof(*server));
    server->script = script;
    server->listener = fake_listen(&server->port);
    pthread_create(&server->acceptor, NULL, fake_accept, server);
    return server;
}

/* Waits for the scripts to end. */
static inline void fake_server_join(struct fake_server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->acceptor, NULL);
    for (size_t i = 0; i < server->count; i++) {
        pthread_join(server->threads[i], NULL);
    }
}

/* After fake_server_join. */
static inline void fake_server_free(struct fake_server *server)
{
    for (size_t i = 0; i < server->count; i++) {
        close(server->fds[i]);
    }
    close(server->listener);
    free(server);
}

static inline void fake_server_stop(struct fake_server *server)
{
    fake_server_join(server);
    fake_server_free(server);
}

#endif
