#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "run.h"

static FILE *log_fp;

int run_shell(const char *fmt, ...)
{
    char cmd[1024];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(cmd, sizeof(cmd), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(cmd))
        return -1;
    return system(cmd);
}

int run_argv(const char *prog, char *const argv[])
{
    pid_t pid = fork();
    int st = 0;

    if (pid < 0)
        return -1;
    if (pid == 0) {
        execv(prog, argv);
        _exit(127);
    }
    if (waitpid(pid, &st, 0) < 0)
        return -1;
    return WIFEXITED(st) ? WEXITSTATUS(st) : -1;
}

int is_hostname(const char *s)
{
    size_t n = strlen(s);

    if (n == 0 || n > 253 || s[0] == '-')
        return 0;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && *s != '.' && *s != '-')
            return 0;
    return 1;
}

void log_open(const char *path)
{
    log_fp = fopen(path, "a");
    openlog("webd", LOG_PID, LOG_DAEMON);
}

void log_line(int level, const char *fmt, ...)
{
    va_list ap;

    if (!log_fp)
        return;
    fprintf(log_fp, "<%d> %ld ", level, (long)time(NULL));
    va_start(ap, fmt);
    vfprintf(log_fp, fmt, ap);
    va_end(ap);
    fputc('\n', log_fp);
}

void log_text(int level, const char *text)
{
    if (log_fp)
        fprintf(log_fp, "<%d> %s\n", level, text);
}
