#ifndef MEM_POOL_H
#define MEM_POOL_H

#include <stddef.h>

struct buf {
    char  *data;
    size_t len;
    size_t cap;
};

struct conn {
    int          id;
    int          refs;
    char        *peer;
    struct buf  *in;
    struct conn *next;
};

struct buf  *buf_new(size_t cap);
void         buf_free(struct buf *b);
int          buf_grow(struct buf *b, size_t want);
void         conn_put(struct conn *c);
int          conn_drop(struct conn *c, const char *why);
struct conn *conn_get(int id);

#endif
