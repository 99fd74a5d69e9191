#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "../util/run.h"
#include "request.h"

int request_read(int fd, struct request *rq)
{
    char raw[4096];
    ssize_t n = read(fd, raw, sizeof(raw) - 1);
    char *ua, *body;

    if (n <= 0)
        return -1;
    raw[n] = '\0';
    memset(rq, 0, sizeof(*rq));
    rq->fd = fd;
    if (sscanf(raw, "%7s %511s", rq->method, rq->path) != 2)
        return -1;
    ua = strstr(raw, "User-Agent: ");
    if (ua)
        sscanf(ua + 12, "%255[^\r\n]", rq->agent);
    body = strstr(raw, "\r\n\r\n");
    if (body)
        snprintf(rq->body, sizeof(rq->body), "%s", body + 4);
    return 0;
}

int request_arg(const struct request *rq, const char *key, char *out, size_t cap)
{
    const char *p = strchr(rq->path, '?');
    size_t klen = strlen(key);

    while (p) {
        p++;
        if (strncmp(p, key, klen) == 0 && p[klen] == '=') {
            size_t n = strcspn(p + klen + 1, "&");
            if (n >= cap)
                return -1;
            memcpy(out, p + klen + 1, n);
            out[n] = '\0';
            return 0;
        }
        p = strchr(p, '&');
    }
    return -1;
}

void respond(const struct request *rq, int code, const char *text)
{
    dprintf(rq->fd, "HTTP/1.0 %d -\r\nContent-Length: %zu\r\n\r\n%s", code, strlen(text), text);
}

void note_agent(const struct request *rq)
{
    if (rq->agent[0] == '\0')
        return;
    log_line(6, rq->agent);
}

void note_path(const struct request *rq)
{
    if (rq->path[0] == '\0')
        return;
    log_text(6, rq->path);
}

void note_reject(const struct request *rq)
{
    char msg[700];

    snprintf(msg, sizeof(msg), "rejected %s %s", rq->method, rq->path);
    syslog(LOG_WARNING, msg);
}

void note_accept(const struct request *rq)
{
    char msg[700];

    snprintf(msg, sizeof(msg), "accepted %s %s", rq->method, rq->path);
    syslog(LOG_INFO, "%s", msg);
}

int greet(const struct request *rq)
{
    char name[64], line[128];

    if (request_arg(rq, "name", name, sizeof(name)) < 0)
        return -1;
    snprintf(line, sizeof(line), name);
    respond(rq, 200, line);
    return 0;
}

int greet_in(const struct request *rq)
{
    static const char *const words[] = { "Hello, %s", "Guten Tag, %s", "Salut, %s" };
    char name[64], lang[8], line[128];
    size_t i;

    if (request_arg(rq, "name", name, sizeof(name)) < 0 ||
        request_arg(rq, "lang", lang, sizeof(lang)) < 0)
        return -1;
    i = (size_t)(unsigned char)lang[0] % (sizeof(words) / sizeof(words[0]));
    snprintf(line, sizeof(line), words[i], name);
    respond(rq, 200, line);
    return 0;
}

int render(const struct request *rq)
{
    const char *fmt = "%s\n";

    if (strncmp(rq->body, "fmt=", 4) == 0)
        fmt = rq->body + 4;
    dprintf(rq->fd, fmt, rq->agent);
    return 0;
}

int render_plain(const struct request *rq)
{
    const char *fmt = rq->body;

    if (rq->body[0] == '\0')
        return -1;
    fmt = "%s\n";
    dprintf(rq->fd, fmt, rq->agent);
    return 0;
}
