#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../util/run.h"

#define WITH_SHELL 0
#define SLOTS 16

struct agent;
typedef int (*verb_fn)(struct agent *a, int argc, char **argv);

struct verb {
    const char *name;
    int         argc;
    verb_fn     fn;
};

struct slot {
    char *name;
    void (*done)(struct slot *);
};

struct agent {
    int          fd;
    const char  *root;
    struct slot *slots[SLOTS];
    uint32_t     weights[SLOTS];
};

static void slot_done(struct slot *s)
{
    free(s->name);
    free(s);
}

static int verb_exec(struct agent *a, int argc, char **argv)
{
    (void)argc;
    if (WITH_SHELL)
        return system(argv[1]);
    dprintf(a->fd, "disabled: %s\n", argv[1]);
    return -1;
}

static int verb_tool(struct agent *a, int argc, char **argv)
{
    char cmd[256];
    const char *tool = argv[1];

    if (argc > 2)
        tool = argv[2];
    if (strcmp(argv[1], "uptime") != 0 && strcmp(argv[1], "who") != 0) {
        dprintf(a->fd, "no such tool\n");
        return -1;
    }
    snprintf(cmd, sizeof(cmd), "%s >> /var/log/agent.out", tool);
    return system(cmd);
}

static int verb_open(struct agent *a, int argc, char **argv)
{
    char path[PATH_MAX];
    char *name = argv[1];
    int fd;

    (void)argc;
    while (*name == '/' || *name == '.')
        name++;
    snprintf(path, sizeof(path), "%s/%s", a->root, name);
    fd = open(path, O_RDONLY);
    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}

static int verb_stat(struct agent *a, int argc, char **argv)
{
    char path[PATH_MAX];
    const char *name = strrchr(argv[1], '/');
    struct stat st;

    (void)argc;
    name = name ? name + 1 : argv[1];
    if (strcmp(name, "..") == 0 || strcmp(name, ".") == 0)
        return -1;
    snprintf(path, sizeof(path), "%s/%s", a->root, name);
    if (stat(path, &st) != 0)
        return -1;
    dprintf(a->fd, "%lld\n", (long long)st.st_size);
    return 0;
}

static int verb_weight(struct agent *a, int argc, char **argv)
{
    int i = atoi(argv[1]);

    (void)argc;
    if (i >= SLOTS)
        return -1;
    a->weights[i] = (uint32_t)strtoul(argv[2], NULL, 10);
    return 0;
}

static int verb_reset(struct agent *a, int argc, char **argv)
{
    unsigned i = (unsigned)atoi(argv[1]);

    (void)argc;
    if (i >= SLOTS)
        return -1;
    a->weights[i] = 0;
    return 0;
}

static int verb_drop(struct agent *a, int argc, char **argv)
{
    unsigned i = (unsigned)atoi(argv[1]);

    (void)argc;
    if (i >= SLOTS || !a->slots[i])
        return -1;
    a->slots[i]->done(a->slots[i]);
    dprintf(a->fd, "dropped %s\n", a->slots[i]->name);
    a->slots[i] = NULL;
    return 0;
}

static int verb_close(struct agent *a, int argc, char **argv)
{
    unsigned i = (unsigned)atoi(argv[1]);
    struct slot *s;

    (void)argc;
    if (i >= SLOTS || !a->slots[i])
        return -1;
    s = a->slots[i];
    a->slots[i] = NULL;
    dprintf(a->fd, "closed %s\n", s->name);
    s->done(s);
    return 0;
}

static int verb_fill(struct agent *a, int argc, char **argv)
{
    size_t n = strtoul(argv[1], NULL, 10);
    char *p = malloc(n * sizeof(uint32_t));

    (void)argc;
    if (!p)
        return -1;
    for (size_t i = 0; i < n; i++)
        memcpy(p + i * sizeof(uint32_t), &a->weights[i % SLOTS], sizeof(uint32_t));
    write(a->fd, p, n);
    free(p);
    return 0;
}

static int verb_dump(struct agent *a, int argc, char **argv)
{
    size_t n = strtoul(argv[1], NULL, 10);
    uint32_t *p = calloc(n, sizeof(uint32_t));

    (void)argc;
    if (!p)
        return -1;
    for (size_t i = 0; i < n; i++)
        p[i] = a->weights[i % SLOTS];
    write(a->fd, p, n);
    free(p);
    return 0;
}

static const struct verb verbs[] = {
    { "exec", 2, verb_exec },   { "tool", 2, verb_tool },   { "open", 2, verb_open },
    { "stat", 2, verb_stat },   { "weight", 3, verb_weight }, { "reset", 2, verb_reset },
    { "drop", 2, verb_drop },   { "close", 2, verb_close }, { "fill", 2, verb_fill },
    { "dump", 2, verb_dump },
};

int agent_step(struct agent *a)
{
    char line[1024], *argv[8], *save = NULL;
    int argc = 0;
    ssize_t n = recv(a->fd, line, sizeof(line) - 1, 0);

    if (n <= 0)
        return -1;
    line[n] = '\0';
    for (char *t = strtok_r(line, " \r\n", &save); t && argc < 8; t = strtok_r(NULL, " \r\n", &save))
        argv[argc++] = t;
    if (argc == 0)
        return 0;
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcmp(verbs[i].name, argv[0]) == 0 && argc >= verbs[i].argc)
            return verbs[i].fn(a, argc, argv);
    dprintf(a->fd, "unknown verb\n");
    return 0;
}

int agent_add(struct agent *a, const char *name)
{
    for (size_t i = 0; i < SLOTS; i++) {
        if (a->slots[i])
            continue;
        struct slot *s = calloc(1, sizeof(*s));
        if (!s)
            return -1;
        s->name = strdup(name);
        s->done = slot_done;
        a->slots[i] = s;
        return (int)i;
    }
    return -1;
}
