/* Small daemon side of the router's settings page: one request per line on a socket. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "run.h"

#define REQ_MAX 256

static const char *const interfaces[] = { "eth0", "eth1", "wlan0" };

static ssize_t read_request(int fd, char *buf, size_t cap)
{
    ssize_t n = recv(fd, buf, cap - 1, 0);

    if (n < 0)
        return -1;
    buf[n] = '\0';
    buf[strcspn(buf, "\r\n")] = '\0';
    return n;
}

int ping_host(int fd)
{
    char host[REQ_MAX];
    char line[REQ_MAX + 32];

    if (read_request(fd, host, sizeof host) <= 0)
        return -1;
    snprintf(line, sizeof line, "ping -c 1 %s", host);
    return run_line(line);
}

int trace_host(int fd)
{
    char host[REQ_MAX];
    char *argv[] = { "/usr/bin/traceroute", "-m", "12", host, NULL };

    if (read_request(fd, host, sizeof host) <= 0 || host[0] == '-')
        return -1;
    return run_argv(argv);
}

int link_down(int fd)
{
    char name[REQ_MAX];
    char line[64];
    size_t i;

    if (read_request(fd, name, sizeof name) <= 0)
        return -1;
    for (i = 0; i < sizeof interfaces / sizeof interfaces[0]; i++) {
        if (strcmp(name, interfaces[i]) == 0) {
            snprintf(line, sizeof line, "ip link set %s down", interfaces[i]);
            return run_line(line);
        }
    }
    return -1;
}

int set_mtu(int fd)
{
    char text[REQ_MAX];
    char line[64];
    char *end;
    long mtu;

    if (read_request(fd, text, sizeof text) <= 0)
        return -1;
    mtu = strtol(text, &end, 10);
    if (end == text || mtu < 576 || mtu > 9000)
        return -1;
    snprintf(line, sizeof line, "ip link set eth0 mtu %ld", mtu);
    return run_line(line);
}

int resolve_name(int fd, char *answer, size_t cap)
{
    char req[REQ_MAX];
    char cmd[REQ_MAX + 16];
    const char *name;

    if (read_request(fd, req, sizeof req) <= 0)
        return -1;
    name = req;
    while (isspace((unsigned char)*name))
        name++;
    snprintf(cmd, sizeof cmd, "host -t A %s", name);
    return first_line(cmd, answer, cap);
}

int uptime_report(int fd, char *answer, size_t cap)
{
    char req[REQ_MAX];
    char *p;

    if (read_request(fd, req, sizeof req) < 0)
        return -1;
    if (first_line("uptime -p", answer, cap) != 0)
        return -1;
    if (strcmp(req, "upper") == 0)
        for (p = answer; *p; p++)
            *p = (char)toupper((unsigned char)*p);
    return 0;
}
