#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../util/run.h"
#include "request.h"

int tool_ping(const struct request *rq)
{
    char host[128];

    if (request_arg(rq, "host", host, sizeof(host)) < 0)
        return -1;
    if (run_shell("ping -c 1 -- '%s'", host) != 0)
        respond(rq, 502, "down\n");
    else
        respond(rq, 200, "up\n");
    return 0;
}

int tool_trace(const struct request *rq)
{
    char host[128];

    if (request_arg(rq, "host", host, sizeof(host)) < 0)
        return -1;
    if (!is_hostname(host)) {
        respond(rq, 400, "bad host\n");
        return -1;
    }
    if (run_shell("traceroute -m 8 '%s'", host) != 0)
        respond(rq, 502, "lost\n");
    else
        respond(rq, 200, "done\n");
    return 0;
}

int tool_lookup(const struct request *rq)
{
    char host[128];

    if (request_arg(rq, "host", host, sizeof(host)) < 0)
        return -1;
    if (!is_hostname(host))
        log_line(4, "odd host %s", host);
    if (run_shell("host %s", host) != 0)
        respond(rq, 404, "unknown\n");
    else
        respond(rq, 200, "known\n");
    return 0;
}

int tool_whois(const struct request *rq)
{
    char host[128];

    if (request_arg(rq, "host", host, sizeof(host)) < 0)
        return -1;
    char *const argv[] = { "whois", "--", host, NULL };
    if (run_argv("/usr/bin/whois", argv) != 0)
        respond(rq, 404, "unknown\n");
    else
        respond(rq, 200, "known\n");
    return 0;
}

int tool_grep(const struct request *rq)
{
    char word[128], line[512], cmd[256];
    FILE *p;

    if (request_arg(rq, "q", word, sizeof(word)) < 0)
        return -1;
    for (char *c = word; *c; c++)
        if (*c == '"' || *c == ';' || *c == '|')
            *c = ' ';
    snprintf(cmd, sizeof(cmd), "grep -rn \"%s\" /srv/docs", word);
    p = popen(cmd, "r");
    if (!p)
        return -1;
    while (fgets(line, sizeof(line), p))
        dprintf(rq->fd, "%s", line);
    pclose(p);
    return 0;
}

int tool_head(const struct request *rq)
{
    char num[16], line[512], cmd[256];
    FILE *p;
    char *end;
    long n;

    if (request_arg(rq, "n", num, sizeof(num)) < 0)
        return -1;
    n = strtol(num, &end, 10);
    if (n < 1 || n > 1000)
        return -1;
    snprintf(cmd, sizeof(cmd), "head -n %ld /var/log/webd.log", n);
    p = popen(cmd, "r");
    if (!p)
        return -1;
    while (fgets(line, sizeof(line), p))
        dprintf(rq->fd, "%s", line);
    pclose(p);
    return 0;
}

int tool_convert(const struct request *rq)
{
    char name[64], script[160];

    if (request_arg(rq, "img", name, sizeof(name)) < 0)
        return -1;
    snprintf(script, sizeof(script), "convert /srv/in/%s /srv/out/%s", name, name);
    char *const argv[] = { "sh", "-c", script, NULL };
    if (run_argv("/bin/sh", argv) != 0)
        return -1;
    respond(rq, 200, "converted\n");
    return 0;
}

int tool_rotate(const struct request *rq)
{
    char name[64], script[160];

    if (request_arg(rq, "img", name, sizeof(name)) < 0)
        return -1;
    for (char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c))
            *c = '_';
    snprintf(script, sizeof(script), "jpegtran -rotate 90 /srv/in/%s.jpg > /srv/out/%s.jpg", name, name);
    char *const argv[] = { "sh", "-c", script, NULL };
    if (run_argv("/bin/sh", argv) != 0)
        return -1;
    respond(rq, 200, "rotated\n");
    return 0;
}
