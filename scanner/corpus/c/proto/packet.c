/* Reader of the telemetry protocol: 2 bytes type, 2 bytes length, payload. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LABEL_MAX 64
#define MAX_POINTS 4096

struct header {
    uint16_t type;
    uint16_t length;
};

struct device {
    char label[LABEL_MAX];
    uint8_t  key[32];
    uint32_t points;
};

struct sample {
    uint64_t when;
    double value;
};

static int read_full(int fd, void *buf, size_t n)
{
    uint8_t *p = buf;

    while (n > 0) {
        ssize_t got = recv(fd, p, n, 0);

        if (got <= 0)
            return -1;
        p += got;
        n -= (size_t)got;
    }
    return 0;
}

static int read_header(int fd, struct header *h)
{
    if (read_full(fd, h, sizeof *h) != 0)
        return -1;
    h->type = ntohs(h->type);
    h->length = ntohs(h->length);
    return 0;
}

int read_label(int fd, struct device *d)
{
    struct header h;
    char label[LABEL_MAX];

    if (read_header(fd, &h) != 0)
        return -1;
    if (read_full(fd, label, h.length) != 0)
        return -1;
    label[LABEL_MAX - 1] = '\0';
    memcpy(d->label, label, LABEL_MAX);
    return 0;
}

int read_title(int fd, struct device *d)
{
    struct header h;
    char label[LABEL_MAX];

    if (read_header(fd, &h) != 0)
        return -1;
    if (h.length >= sizeof label)
        return -1;
    if (read_full(fd, label, h.length) != 0)
        return -1;
    label[h.length] = '\0';
    memcpy(d->label, label, (size_t)h.length + 1);
    return 0;
}

int read_key(int fd, struct device *d)
{
    struct header h;
    uint8_t *payload;

    if (read_header(fd, &h) != 0)
        return -1;
    payload = malloc((size_t)h.length + 1);
    if (!payload)
        return -1;
    if (read_full(fd, payload, h.length) != 0) {
        free(payload);
        return -1;
    }
    memcpy(d->key, payload, h.length);
    free(payload);
    return 0;
}

int read_secret(int fd, struct device *d)
{
    struct header h;
    uint8_t *payload;
    size_t n;

    if (read_header(fd, &h) != 0)
        return -1;
    payload = malloc((size_t)h.length + 1);
    if (!payload)
        return -1;
    if (read_full(fd, payload, h.length) != 0) {
        free(payload);
        return -1;
    }
    n = h.length < sizeof d->key ? h.length : sizeof d->key;
    memcpy(d->key, payload, n);
    free(payload);
    return 0;
}

struct sample *read_samples(int fd, uint32_t *out_count)
{
    uint32_t count;
    uint32_t bytes;
    uint32_t i;
    struct sample *s;

    if (read_full(fd, &count, sizeof count) != 0)
        return NULL;
    count = ntohl(count);
    bytes = count * (uint32_t)sizeof(struct sample);
    s = malloc(bytes);
    if (!s)
        return NULL;
    for (i = 0; i < count; i++) {
        if (read_full(fd, &s[i], sizeof s[i]) != 0)
            break;
    }
    *out_count = i;
    return s;
}

struct sample *read_points(int fd, uint32_t *out_count)
{
    uint32_t count;
    uint32_t bytes;
    uint32_t i;
    struct sample *s;

    if (read_full(fd, &count, sizeof count) != 0)
        return NULL;
    count = ntohl(count);
    if (count == 0 || count > MAX_POINTS)
        return NULL;
    bytes = count * (uint32_t)sizeof(struct sample);
    s = malloc(bytes);
    if (!s)
        return NULL;
    for (i = 0; i < count; i++) {
        if (read_full(fd, &s[i], sizeof s[i]) != 0)
            break;
    }
    *out_count = i;
    return s;
}

static void *room_for(uint32_t n, uint32_t size)
{
    return malloc((uint32_t)(n * size));
}

char (*read_labels(int fd, uint32_t *out_count))[LABEL_MAX]
{
    uint32_t count, i;
    char (*labels)[LABEL_MAX];

    if (read_full(fd, &count, sizeof count) != 0)
        return NULL;
    count = ntohl(count);
    labels = room_for(count, LABEL_MAX);
    if (!labels)
        return NULL;
    for (i = 0; i < count; i++)
        if (read_full(fd, labels[i], LABEL_MAX) != 0)
            break;
    *out_count = i;
    return labels;
}

char (*read_titles(int fd, uint32_t *out_count))[LABEL_MAX]
{
    uint32_t count, i;
    char (*labels)[LABEL_MAX];

    if (read_full(fd, &count, sizeof count) != 0)
        return NULL;
    count = ntohl(count);
    labels = calloc(count, LABEL_MAX);
    if (!labels)
        return NULL;
    for (i = 0; i < count; i++)
        if (read_full(fd, labels[i], LABEL_MAX) != 0)
            break;
    *out_count = i;
    return labels;
}
