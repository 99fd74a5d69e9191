/* Binary frames between peers: kind (1), flags (1), length (2), then the body. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HDR 4
#define MTU 1500
#define PORTS 48
#define MAX_ROUTES 4096

struct route {
    uint32_t net;
    uint32_t mask;
    uint32_t via;
};

struct table {
    struct route *rows;
    uint32_t used;
};

static uint32_t port_hits[PORTS];
static uint32_t port_drops[PORTS];

static uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int read_full(int fd, void *into, size_t want)
{
    uint8_t *at = into;

    while (want > 0) {
        ssize_t n = read(fd, at, want);
        if (n <= 0)
            return -1;
        at += n;
        want -= (size_t)n;
    }
    return 0;
}

int frame_echo(int fd)
{
    uint8_t pkt[MTU], out[65536];
    ssize_t n = recv(fd, pkt, sizeof(pkt), 0);
    uint16_t len;

    if (n < HDR)
        return -1;
    len = be16(pkt + 2);
    memcpy(out, pkt + HDR, len);
    return send(fd, out, len, 0) == len ? 0 : -1;
}

int frame_probe(int fd)
{
    uint8_t pkt[MTU], out[MTU];
    ssize_t n = recv(fd, pkt, sizeof(pkt), 0);
    uint16_t len;

    if (n < HDR)
        return -1;
    len = be16(pkt + 2);
    if (len > n - HDR)
        return -1;
    memcpy(out, pkt + HDR, len);
    return send(fd, out, len, 0) == len ? 0 : -1;
}

int frame_hit(int fd)
{
    uint8_t pkt[MTU];
    ssize_t n = recv(fd, pkt, sizeof(pkt), 0);

    if (n < HDR + 2)
        return -1;
    port_hits[be16(pkt + HDR)]++;
    return 0;
}

int frame_drop(int fd)
{
    uint8_t pkt[MTU];
    ssize_t n = recv(fd, pkt, sizeof(pkt), 0);
    unsigned port;

    if (n < HDR + 2)
        return -1;
    port = be16(pkt + HDR);
    if (port >= PORTS)
        return -1;
    port_drops[port]++;
    return 0;
}

int frame_routes(int fd, struct table *t)
{
    uint8_t head[4];
    uint32_t count, bytes, i;

    if (read_full(fd, head, sizeof(head)) != 0)
        return -1;
    count = be32(head);
    bytes = count * (uint32_t)sizeof(struct route);
    t->rows = malloc(bytes);
    if (t->rows == NULL)
        return -1;
    for (i = 0; i < count; i++) {
        if (read_full(fd, &t->rows[i], sizeof(struct route)) != 0)
            break;
    }
    t->used = i;
    return 0;
}

int frame_withdrawn(int fd, struct table *t)
{
    uint8_t head[4];
    uint32_t count, bytes, i;

    if (read_full(fd, head, sizeof(head)) != 0)
        return -1;
    count = be32(head);
    if (count == 0 || count > MAX_ROUTES)
        return -1;
    bytes = count * (uint32_t)sizeof(struct route);
    t->rows = malloc(bytes);
    if (t->rows == NULL)
        return -1;
    for (i = 0; i < count; i++) {
        if (read_full(fd, &t->rows[i], sizeof(struct route)) != 0)
            break;
    }
    t->used = i;
    return 0;
}

int frame_motd(int fd, uint8_t *out, size_t room)
{
    uint8_t pkt[MTU];
    ssize_t n = recv(fd, pkt, sizeof(pkt), 0);
    size_t total;

    if (n < HDR)
        return -1;
    total = be16(pkt + 2);
    if (total > (size_t)n || total > room)
        return -1;
    memcpy(out, pkt + HDR, total - HDR);
    return 0;
}

int frame_banner(int fd, uint8_t *out, size_t room)
{
    uint8_t pkt[MTU];
    ssize_t n = recv(fd, pkt, sizeof(pkt), 0);
    size_t total;

    if (n < HDR)
        return -1;
    total = be16(pkt + 2);
    if (total < HDR || total > (size_t)n || total > room)
        return -1;
    memcpy(out, pkt + HDR, total - HDR);
    return 0;
}

void table_clear(struct table *t)
{
    free(t->rows);
    t->rows = NULL;
    t->used = 0;
}
