#ifndef ROUTER_RUN_H
#define ROUTER_RUN_H

#include <stddef.h>

/* Runs one line with the system shell and returns its status. */
int run_line(const char *line);

/* Runs a program with an argument vector, no shell. */
int run_argv(char *const argv[]);

/* Reads the first line that a command prints. */
int first_line(const char *command, char *out, size_t cap);

#endif
