/* Names of hosts and sections in the settings of a proxy. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum level { QUIET, NORMAL, CHATTY };

struct section {
    char name[32];
    int weight;
};

static char *lower(char *word)
{
    char *p;

    for (p = word; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    return word;
}

const char *names_label(int shard)
{
    char label[24];

    snprintf(label, sizeof(label), "shard-%03d", shard);
    return label;
}

const char *names_zone(int zone)
{
    static char label[24];

    snprintf(label, sizeof(label), "zone-%03d", zone);
    return label;
}

int names_port(const char *address)
{
    char *colon = strchr(address, ':');

    return atoi(colon + 1);
}

int names_weight(const char *address)
{
    char *equals = strchr(address, '=');

    if (equals == NULL)
        return 1;
    return atoi(equals + 1);
}

int names_depth(enum level l)
{
    int depth;

    switch (l) {
    case QUIET:
        depth = 1;
        break;
    case CHATTY:
        depth = 9;
        break;
    default:
        break;
    }
    return depth * 2;
}

int names_width(enum level l)
{
    int width;

    switch (l) {
    case QUIET:
        width = 40;
        break;
    case CHATTY:
        width = 160;
        break;
    default:
        width = 80;
        break;
    }
    return width - 2;
}

char *names_section(const char *line)
{
    char *copy = strdup(line);
    char *end;

    if (copy == NULL)
        return NULL;
    end = strchr(copy, ']');
    if (copy[0] != '[' || end == NULL)
        return NULL;
    *end = '\0';
    memmove(copy, copy + 1, (size_t)(end - copy));
    return lower(copy);
}

char *names_include(const char *line)
{
    char *copy = strdup(line);
    char *end;

    if (copy == NULL)
        return NULL;
    end = strchr(copy, '>');
    if (copy[0] != '<' || end == NULL) {
        free(copy);
        return NULL;
    }
    *end = '\0';
    memmove(copy, copy + 1, (size_t)(end - copy));
    return lower(copy);
}

int names_compare(const void *a, const void *b)
{
    return strcmp(((const struct section *)a)->name, ((const struct section *)b)->name);
}
