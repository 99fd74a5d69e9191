/* Journal of the mail gateway: syslog, file and console. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>

static FILE *out;

static void note(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(out ? out : stderr, fmt, ap);
    va_end(ap);
}

static int take_line(int fd, char *buf, size_t cap)
{
    ssize_t n = recv(fd, buf, cap - 1, 0);

    if (n <= 0)
        return -1;
    buf[n] = '\0';
    buf[strcspn(buf, "\r\n")] = '\0';
    return 0;
}

int log_greeting(int fd)
{
    char line[512];

    if (take_line(fd, line, sizeof line) != 0)
        return -1;
    syslog(LOG_INFO, line);
    return 0;
}

int log_sender(int fd)
{
    char line[512];

    if (take_line(fd, line, sizeof line) != 0)
        return -1;
    syslog(LOG_INFO, "%s", line);
    return 0;
}

int log_recipient(int fd)
{
    char line[512];
    char text[600];

    if (take_line(fd, line, sizeof line) != 0)
        return -1;
    snprintf(text, sizeof text, "recipient %s\n", line);
    note(text);
    return 0;
}

int log_subject(int fd)
{
    char line[512];
    char text[600];

    if (take_line(fd, line, sizeof line) != 0)
        return -1;
    snprintf(text, sizeof text, "subject %s\n", line);
    note("%s", text);
    return 0;
}

int log_banner(void)
{
    const char *agent = getenv("HTTP_USER_AGENT");
    const char *banner = agent ? agent : "none";

    return fprintf(stdout, banner);
}

int log_state(int fd, int jobs)
{
    char line[64];
    const char *fmt = "%d jobs waiting\n";

    if (take_line(fd, line, sizeof line) != 0)
        return -1;
    if (strcmp(line, "short") == 0)
        fmt = "%d\n";
    return fprintf(stdout, fmt, jobs);
}

int stamp_line(int fd, int id)
{
    char line[512];
    char text[128];

    if (take_line(fd, line, sizeof line) != 0)
        return -1;
    sprintf(text, "[%08d] %s", id, line);
    return fputs(text, stdout);
}

int stamp_entry(int fd, int id)
{
    char line[512];
    char text[128];

    if (take_line(fd, line, sizeof line) != 0)
        return -1;
    sprintf(text, "[%08d] %.100s", id, line);
    return fputs(text, stdout);
}
