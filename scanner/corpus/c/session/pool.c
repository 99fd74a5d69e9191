/* Connection pool of the relay. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct conn {
    int fd;
    char *peer;
    char *buf;
    size_t cap;
    struct conn *next;
};

struct pool {
    struct conn *head;
    struct conn *current;
    unsigned dropped;
};

static void conn_free(struct conn *c)
{
    if (!c)
        return;
    close(c->fd);
    free(c->peer);
    free(c->buf);
    free(c);
}

static int greet(struct conn *c)
{
    static const char hello[] = "220 relay ready\r\n";

    return write(c->fd, hello, sizeof hello - 1) == (ssize_t)(sizeof hello - 1) ? 0 : -1;
}

struct conn *conn_new(int fd, const char *peer)
{
    struct conn *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->fd = fd;
    c->peer = strdup(peer);
    c->cap = 4096;
    c->buf = malloc(c->cap);
    if (!c->peer || !c->buf) {
        conn_free(c);
        return NULL;
    }
    return c;
}

void pool_clear(struct pool *p)
{
    struct conn *c;

    for (c = p->head; c; c = c->next)
        conn_free(c);
    p->head = NULL;
    p->current = NULL;
}

void pool_drain(struct pool *p)
{
    struct conn *c = p->head;

    while (c) {
        struct conn *next = c->next;

        conn_free(c);
        c = next;
    }
    p->head = NULL;
    p->current = NULL;
}

int pool_greet(struct pool *p, struct conn *c)
{
    int rc = greet(c);

    if (rc != 0) {
        conn_free(c);
        p->dropped++;
    }
    fprintf(stderr, "%s: %s\n", c->peer, rc == 0 ? "greeted" : "dropped");
    return rc;
}

int pool_welcome(struct pool *p, struct conn *c)
{
    int rc = greet(c);

    fprintf(stderr, "%s: %s\n", c->peer, rc == 0 ? "greeted" : "dropped");
    if (rc != 0) {
        conn_free(c);
        p->dropped++;
    }
    return rc;
}

int conn_reset(struct conn *c, size_t cap, const char *peer)
{
    char *fresh;
    char *name;

    free(c->buf);
    fresh = malloc(cap);
    name = strdup(peer);
    if (!fresh || !name)
        goto fail;
    free(c->peer);
    c->peer = name;
    c->buf = fresh;
    c->cap = cap;
    return 0;
fail:
    free(fresh);
    free(name);
    free(c->buf);
    free(c);
    return -ENOMEM;
}

int conn_resize(struct conn *c, size_t cap, const char *peer)
{
    char *fresh;
    char *name;

    free(c->buf);
    c->buf = NULL;
    fresh = malloc(cap);
    name = strdup(peer);
    if (!fresh || !name)
        goto fail;
    free(c->peer);
    c->peer = name;
    c->buf = fresh;
    c->cap = cap;
    return 0;
fail:
    free(fresh);
    free(name);
    free(c->peer);
    free(c->buf);
    free(c);
    return -ENOMEM;
}

int conn_swap_peer(struct conn *c, const char *name)
{
    char *old = c->peer;

    if (name[0] == '\0') {
        free(c->peer);
        c->peer = strdup("unknown");
    } else {
        c->peer = strdup(name);
    }
    free(old);
    return c->peer ? 0 : -1;
}

int conn_rename_peer(struct conn *c, const char *name)
{
    char *old = c->peer;

    if (name[0] == '\0') {
        free(c->peer);
        c->peer = strdup("unknown");
        old = NULL;
    } else {
        c->peer = strdup(name);
    }
    free(old);
    return c->peer ? 0 : -1;
}
