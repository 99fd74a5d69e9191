#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pool.h"

static struct conn *all;

struct buf *buf_new(size_t cap)
{
    struct buf *b = calloc(1, sizeof(*b));

    if (!b)
        return NULL;
    b->data = malloc(cap);
    if (!b->data) {
        free(b);
        return NULL;
    }
    b->cap = cap;
    return b;
}

void buf_free(struct buf *b)
{
    if (!b)
        return;
    free(b->data);
    free(b);
}

int buf_grow(struct buf *b, size_t want)
{
    char *p = realloc(b->data, want);

    if (!p) {
        free(b->data);
        return -1;
    }
    b->data = p;
    b->cap = want;
    return 0;
}

void conn_put(struct conn *c)
{
    if (--c->refs > 0)
        return;
    buf_free(c->in);
    free(c->peer);
    free(c);
}

int conn_drop(struct conn *c, const char *why)
{
    fprintf(stderr, "drop %d: %s\n", c->id, why);
    buf_free(c->in);
    free(c->peer);
    free(c);
    return -1;
}

struct conn *conn_get(int id)
{
    struct conn *c;

    for (c = all; c; c = c->next)
        if (c->id == id) {
            c->refs++;
            return c;
        }
    return NULL;
}

void pool_clear(void)
{
    struct conn *c;

    for (c = all; c; c = c->next) {
        buf_free(c->in);
        free(c->peer);
        free(c);
    }
    all = NULL;
}

void pool_reset(void)
{
    struct conn *c, *next;

    for (c = all; c; c = next) {
        next = c->next;
        buf_free(c->in);
        free(c->peer);
        free(c);
    }
    all = NULL;
}

int conn_feed(struct conn *c, int fd)
{
    char tmp[512];
    ssize_t n = read(fd, tmp, sizeof(tmp));

    if (n < 0)
        return conn_drop(c, strerror(errno));
    if (n == 0)
        conn_drop(c, "eof");
    if (c->in->len + (size_t)n > c->in->cap)
        return -1;
    memcpy(c->in->data + c->in->len, tmp, (size_t)n);
    c->in->len += (size_t)n;
    return 0;
}

int conn_poll(struct conn *c, int fd)
{
    char tmp[512];
    ssize_t n = read(fd, tmp, sizeof(tmp));

    if (n < 0)
        return conn_drop(c, strerror(errno));
    if (n == 0)
        return conn_drop(c, "eof");
    if (c->in->len + (size_t)n > c->in->cap)
        return -1;
    memcpy(c->in->data + c->in->len, tmp, (size_t)n);
    c->in->len += (size_t)n;
    return 0;
}

int load_pair(const char *a, const char *b)
{
    struct buf *x = NULL, *y = NULL;
    FILE *fa = NULL, *fb = NULL;
    int rc = -1;

    x = buf_new(4096);
    y = buf_new(4096);
    if (!x || !y)
        goto out;
    fa = fopen(a, "rb");
    if (!fa) {
        buf_free(x);
        goto out;
    }
    fb = fopen(b, "rb");
    if (!fb)
        goto out;
    x->len = fread(x->data, 1, x->cap, fa);
    y->len = fread(y->data, 1, y->cap, fb);
    rc = x->len == y->len && memcmp(x->data, y->data, x->len) == 0;
out:
    if (fa)
        fclose(fa);
    if (fb)
        fclose(fb);
    buf_free(x);
    buf_free(y);
    return rc;
}

int load_twin(const char *a, const char *b)
{
    struct buf *x = NULL, *y = NULL;
    FILE *fa = NULL, *fb = NULL;
    int rc = -1;

    x = buf_new(4096);
    y = buf_new(4096);
    if (!x || !y)
        goto out;
    fa = fopen(a, "rb");
    if (!fa) {
        buf_free(x);
        x = NULL;
        goto out;
    }
    fb = fopen(b, "rb");
    if (!fb)
        goto out;
    x->len = fread(x->data, 1, x->cap, fa);
    y->len = fread(y->data, 1, y->cap, fb);
    rc = x->len == y->len && memcmp(x->data, y->data, x->len) == 0;
out:
    if (fa)
        fclose(fa);
    if (fb)
        fclose(fb);
    buf_free(x);
    buf_free(y);
    return rc;
}

int buf_append(struct buf *b, const char *s, size_t n)
{
    if (b->len + n > b->cap && buf_grow(b, b->len + n) < 0) {
        buf_free(b);
        return -1;
    }
    memcpy(b->data + b->len, s, n);
    b->len += n;
    return 0;
}

int conn_rename(int id, const char *peer)
{
    struct conn *c = conn_get(id);

    if (!c)
        return -1;
    free(c->peer);
    c->peer = strdup(peer);
    printf("conn %d is now %s\n", c->id, c->peer ? c->peer : "?");
    conn_put(c);
    return 0;
}
