#ifndef UTIL_RUN_H
#define UTIL_RUN_H

#include <stdarg.h>
#include <stddef.h>

int  run_shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int  run_argv(const char *prog, char *const argv[]);
int  is_hostname(const char *s);
void log_open(const char *path);
void log_line(int level, const char *fmt, ...);
void log_text(int level, const char *text);

#endif
