#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto.h"

ssize_t read_full(int fd, void *buf, size_t n)
{
    size_t got = 0;

    while (got < n) {
        ssize_t r = recv(fd, (char *)buf + got, n - got, 0);
        if (r < 0) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        if (r == 0)
            break;
        got += (size_t)r;
    }
    return (ssize_t)got;
}

int read_header(int fd, struct msg_hdr *h)
{
    if (read_full(fd, h, sizeof(*h)) != (ssize_t)sizeof(*h))
        return -1;
    h->flags = ntohs(h->flags);
    h->length = ntohl(h->length);
    return 0;
}

static int reply(struct session *s, const char *text)
{
    size_t n = strlen(text);
    return write(s->fd, text, n) == (ssize_t)n ? 0 : -1;
}

int on_hello(struct session *s, const struct msg_hdr *h)
{
    char greeting[128];
    ssize_t n;

    if (h->version < 2)
        return reply(s, "ERR version\n");
    if (h->length > FRAME_LIMIT)
        return reply(s, "ERR too long\n");

    n = recv(s->fd, greeting, h->length, 0);
    if (n <= 0)
        return -1;
    s->seq = (uint32_t)greeting[0];
    return reply(s, "OK\n");
}

int on_subscribe(struct session *s, const struct msg_hdr *h)
{
    char want[128];
    ssize_t n;

    if (h->version < 2)
        return reply(s, "ERR version\n");
    if (h->length > sizeof(want) - 1)
        return reply(s, "ERR too long\n");

    n = recv(s->fd, want, h->length, 0);
    if (n <= 0)
        return -1;
    want[n] = '\0';
    snprintf(s->topic, sizeof(s->topic), "%s", want);
    return reply(s, "OK\n");
}

int on_publish(struct session *s, const struct msg_hdr *h)
{
    char head[TOPIC_MAX];
    char *body;
    ssize_t n;

    if (h->length == 0 || h->length > FRAME_LIMIT)
        return reply(s, "ERR length\n");
    body = malloc(h->length);
    if (!body)
        return -1;
    n = read_full(s->fd, body, h->length);
    if (n <= 0) {
        free(body);
        return -1;
    }
    /* the topic comes first and is ended by a colon */
    char *colon = memchr(body, ':', (size_t)n);
    if (!colon) {
        free(body);
        return reply(s, "ERR topic\n");
    }
    memcpy(head, body, (size_t)(colon - body));
    head[sizeof(head) - 1] = '\0';
    printf("publish on %s\n", head);
    free(body);
    return reply(s, "OK\n");
}

int on_login(struct session *s)
{
    char line[512];
    char verb[16];
    ssize_t n = recv(s->fd, line, sizeof(line) - 1, 0);

    if (n <= 0)
        return -1;
    line[n] = '\0';
    if (sscanf(line, "%15s %s", verb, s->user) != 2)
        return reply(s, "ERR syntax\n");
    if (strcmp(verb, "LOGIN") != 0)
        return reply(s, "ERR verb\n");
    s->authed = 1;
    return reply(s, "OK\n");
}

int on_rename(struct session *s)
{
    char line[512];
    char verb[16];
    char fresh[NAME_MAX_LEN];
    ssize_t n = recv(s->fd, line, sizeof(line) - 1, 0);

    if (n <= 0)
        return -1;
    line[n] = '\0';
    if (sscanf(line, "%15s %63s", verb, fresh) != 2)
        return reply(s, "ERR syntax\n");
    if (strcmp(verb, "RENAME") != 0)
        return reply(s, "ERR verb\n");
    strcpy(s->user, fresh);
    return reply(s, "OK\n");
}

int on_whois(struct session *s)
{
    char line[256];
    char answer[192];
    ssize_t n = recv(s->fd, line, sizeof(line) - 1, 0);

    if (n <= 0)
        return -1;
    line[n] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    sprintf(answer, "user %s is on topic %s\n", line, s->topic);
    return reply(s, answer);
}

int on_motd(struct session *s)
{
    ssize_t n = recv(s->fd, s->motd, sizeof(s->motd), 0);

    if (n <= 0)
        return -1;
    s->motd[n] = '\0';
    return reply(s, "OK\n");
}

int on_banner(struct session *s)
{
    char line[256];
    ssize_t n = recv(s->fd, line, sizeof(line) - 1, 0);

    if (n <= 0)
        return -1;
    line[n] = '\0';
    if (strlen(line) >= sizeof(s->motd) - 8)
        return reply(s, "ERR too long\n");
    sprintf(s->motd, "banner %s", line);
    return reply(s, "OK\n");
}
