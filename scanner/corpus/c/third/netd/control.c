/* Control port of the link manager: one text command on each line. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#define LINE_LEN 512
#define PROFILE_DIR "/var/lib/linkd/profiles"
#define STATS_DIR "/var/lib/linkd/stats"

struct client {
    int fd;
    char line[LINE_LEN];
};

/* Reads up to the next newline, which is cut off. */
static ssize_t next_line(struct client *c)
{
    size_t used = 0;

    while (used < sizeof(c->line) - 1) {
        ssize_t n = recv(c->fd, c->line + used, 1, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        if (c->line[used] == '\n')
            break;
        used++;
    }
    c->line[used] = '\0';
    return (ssize_t)used;
}

static void reply(struct client *c, const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        ssize_t n = send(c->fd, text, left, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        text += n;
        left -= (size_t)n;
    }
}

static void send_file(struct client *c, FILE *f)
{
    char row[256];

    while (fgets(row, sizeof(row), f) != NULL)
        reply(c, row);
    fclose(f);
}

static void cmd_ping(struct client *c)
{
    char shell[LINE_LEN + 64];

    if (next_line(c) <= 0)
        return;
    snprintf(shell, sizeof(shell), "ping -c 3 -W 2 %s >/run/linkd/ping.out", c->line);
    if (system(shell) != 0)
        reply(c, "unreachable\n");
    else
        reply(c, "ok\n");
}

static void cmd_trace(struct client *c)
{
    char shell[128], dotted[INET_ADDRSTRLEN];
    struct in_addr addr;

    if (next_line(c) <= 0)
        return;
    if (inet_pton(AF_INET, c->line, &addr) != 1) {
        reply(c, "bad address\n");
        return;
    }
    inet_ntop(AF_INET, &addr, dotted, sizeof(dotted));
    snprintf(shell, sizeof(shell), "traceroute -n %s >/run/linkd/trace.out", dotted);
    if (system(shell) != 0)
        reply(c, "failed\n");
}

static void cmd_mtu(struct client *c)
{
    char shell[96], *end;
    long mtu;

    if (next_line(c) <= 0)
        return;
    mtu = strtol(c->line, &end, 10);
    if (*end != '\0' || mtu < 576 || mtu > 9000) {
        reply(c, "bad mtu\n");
        return;
    }
    snprintf(shell, sizeof(shell), "ip link set dev uplink0 mtu %ld", mtu);
    if (system(shell) != 0)
        reply(c, "failed\n");
}

static void cmd_profile(struct client *c)
{
    char path[LINE_LEN + 64];
    FILE *f;

    if (next_line(c) <= 0)
        return;
    snprintf(path, sizeof(path), "%s/%s", PROFILE_DIR, c->line);
    f = fopen(path, "r");
    if (f == NULL) {
        reply(c, "no such profile\n");
        return;
    }
    send_file(c, f);
}

static void cmd_stats(struct client *c)
{
    char path[LINE_LEN + 64];
    FILE *f;

    if (next_line(c) <= 0)
        return;
    if (c->line[0] == '.' || strchr(c->line, '/') != NULL) {
        reply(c, "bad name\n");
        return;
    }
    snprintf(path, sizeof(path), "%s/%s", STATS_DIR, c->line);
    f = fopen(path, "r");
    if (f == NULL) {
        reply(c, "no such link\n");
        return;
    }
    send_file(c, f);
}

static void cmd_note(struct client *c)
{
    if (next_line(c) <= 0)
        return;
    syslog(LOG_NOTICE, c->line);
    reply(c, "noted\n");
}

static void cmd_mark(struct client *c)
{
    if (next_line(c) <= 0)
        return;
    syslog(LOG_NOTICE, "mark: %.80s", c->line);
    reply(c, "marked\n");
}

static const struct {
    const char *word;
    void (*run)(struct client *);
} commands[] = {
    { "PING", cmd_ping },       { "TRACE", cmd_trace }, { "MTU", cmd_mtu },
    { "PROFILE", cmd_profile }, { "STATS", cmd_stats }, { "NOTE", cmd_note },
    { "MARK", cmd_mark },
};

void serve_control(int fd)
{
    struct client c = { .fd = fd };
    size_t i;

    while (next_line(&c) >= 0) {
        for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
            if (strcmp(commands[i].word, c.line) == 0) {
                commands[i].run(&c);
                break;
            }
        }
        if (i == sizeof(commands) / sizeof(commands[0]))
            reply(&c, "unknown command\n");
    }
    close(fd);
}
