#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto.h"

static int read_u32(int fd, uint32_t *out)
{
    uint32_t v;

    if (read_full(fd, &v, sizeof(v)) != (ssize_t)sizeof(v))
        return -1;
    *out = ntohl(v);
    return 0;
}

static int read_u16(int fd, uint16_t *out)
{
    uint16_t v;

    if (read_full(fd, &v, sizeof(v)) != (ssize_t)sizeof(v))
        return -1;
    *out = ntohs(v);
    return 0;
}

int frame_recv(int fd, struct frame *out)
{
    uint32_t count, stride;

    if (read_u32(fd, &count) < 0 || read_u32(fd, &stride) < 0)
        return -1;
    if (count == 0 || stride == 0)
        return -1;

    uint32_t total = count * stride;
    out->data = malloc(total);
    if (!out->data)
        return -1;
    for (uint32_t i = 0; i < count; i++) {
        if (read_full(fd, out->data + (size_t)i * stride, stride) < 0) {
            free(out->data);
            return -1;
        }
    }
    out->count = count;
    out->stride = stride;
    return 0;
}

int frame_recv_compact(int fd, struct frame *out)
{
    uint16_t count, stride;

    if (read_u16(fd, &count) < 0 || read_u16(fd, &stride) < 0)
        return -1;
    if (count == 0 || stride == 0)
        return -1;

    size_t total = (size_t)count * stride;
    out->data = malloc(total);
    if (!out->data)
        return -1;
    for (uint32_t i = 0; i < count; i++) {
        if (read_full(fd, out->data + (size_t)i * stride, stride) < 0) {
            free(out->data);
            return -1;
        }
    }
    out->count = count;
    out->stride = stride;
    return 0;
}

int frame_concat(int fd, uint8_t **out, size_t *out_len)
{
    uint32_t a, b;
    uint8_t *buf;

    if (read_u32(fd, &a) < 0 || read_u32(fd, &b) < 0)
        return -1;
    if (a + b > FRAME_LIMIT)
        return -1;
    buf = malloc(a + b);
    if (!buf)
        return -1;
    if (read_full(fd, buf, a) != (ssize_t)a ||
        read_full(fd, buf + a, b) != (ssize_t)b) {
        free(buf);
        return -1;
    }
    *out = buf;
    *out_len = a + b;
    return 0;
}

int frame_concat_pair(int fd, uint8_t **out, size_t *out_len)
{
    uint32_t a, b;
    uint8_t *buf;

    if (read_u32(fd, &a) < 0 || read_u32(fd, &b) < 0)
        return -1;
    if (a > FRAME_LIMIT || b > FRAME_LIMIT - a)
        return -1;
    buf = malloc((size_t)a + b + 1);
    if (!buf)
        return -1;
    if (read_full(fd, buf, a) != (ssize_t)a ||
        read_full(fd, buf + a, b) != (ssize_t)b) {
        free(buf);
        return -1;
    }
    *out = buf;
    *out_len = a + b;
    return 0;
}

int frame_trailer(int fd, uint8_t *dst, size_t cap)
{
    uint8_t scratch[1024];
    uint16_t total, skip;

    if (read_u16(fd, &total) < 0 || read_u16(fd, &skip) < 0)
        return -1;
    if (total > sizeof(scratch))
        return -1;
    if (read_full(fd, scratch, total) != (ssize_t)total)
        return -1;
    size_t left = (size_t)total - skip;
    if (cap < sizeof(scratch))
        return -1;
    memcpy(dst, scratch + skip, left);
    return (int)left;
}

int frame_body(int fd, uint8_t *dst, size_t cap)
{
    uint8_t scratch[1024];
    uint16_t total, skip;

    if (read_u16(fd, &total) < 0 || read_u16(fd, &skip) < 0)
        return -1;
    if (total > sizeof(scratch) || skip > total)
        return -1;
    if (read_full(fd, scratch, total) != (ssize_t)total)
        return -1;
    size_t left = (size_t)total - skip;
    if (left > cap)
        return -1;
    memcpy(dst, scratch + skip, left);
    return (int)left;
}
