#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct item {
    char        *key;
    char        *val;
    struct item *next;
};

struct table {
    struct item *head;
    struct item *last_hit;
    size_t       n;
};

static void item_free(struct item *it)
{
    free(it->key);
    free(it->val);
    free(it);
}

static struct item *item_parse(char *line)
{
    char *eq = strchr(line, '=');
    struct item *it;

    if (!eq)
        return NULL;
    *eq = '\0';
    it = calloc(1, sizeof(*it));
    if (!it)
        return NULL;
    it->key = strdup(line);
    it->val = strdup(eq + 1);
    if (!it->key || !it->val) {
        item_free(it);
        return NULL;
    }
    return it;
}

int table_remove(struct table *t, const char *key)
{
    struct item **pp = &t->head;

    while (*pp) {
        struct item *it = *pp;
        if (strcmp(it->key, key) == 0) {
            item_free(it);
            *pp = it->next;
            t->n--;
            return 0;
        }
        pp = &it->next;
    }
    return -1;
}

int table_unlink(struct table *t, const char *key)
{
    struct item **pp = &t->head;

    while (*pp) {
        struct item *it = *pp;
        if (strcmp(it->key, key) == 0) {
            *pp = it->next;
            if (t->last_hit == it)
                t->last_hit = NULL;
            item_free(it);
            t->n--;
            return 0;
        }
        pp = &it->next;
    }
    return -1;
}

char *slurp(FILE *fp, size_t *out)
{
    size_t cap = 64, len = 0;
    char *buf = malloc(cap);
    char *start = buf;
    int c;

    if (!buf)
        return NULL;
    while ((c = fgetc(fp)) != EOF) {
        if (len + 1 >= cap) {
            char *p = realloc(buf, cap * 2);
            if (!p) {
                free(buf);
                return NULL;
            }
            buf = p;
            cap *= 2;
        }
        buf[len++] = (char)c;
    }
    start[len] = '\0';
    *out = len;
    return buf;
}

char *slurp_line(FILE *fp, size_t *out)
{
    size_t cap = 64, len = 0;
    char *buf = malloc(cap);
    int c;

    if (!buf)
        return NULL;
    while ((c = fgetc(fp)) != EOF && c != '\n') {
        if (len + 1 >= cap) {
            char *p = realloc(buf, cap * 2);
            if (!p) {
                free(buf);
                return NULL;
            }
            buf = p;
            cap *= 2;
        }
        buf[len++] = (char)c;
    }
    buf[len] = '\0';
    *out = len;
    return buf;
}

int table_load(struct table *t, FILE *fp)
{
    char *line;
    size_t n;

    while (!feof(fp)) {
        line = slurp_line(fp, &n);
        if (!line)
            return -1;
        if (n == 0 || line[0] == '#') {
            free(line);
            continue;
        }
        struct item *it = item_parse(line);
        if (!it) {
            free(line);
            fprintf(stderr, "no key in '%s'\n", line);
            return -1;
        }
        free(line);
        it->next = t->head;
        t->head = it;
        t->n++;
    }
    return 0;
}

int table_merge(struct table *t, FILE *fp)
{
    char *line;
    size_t n;

    while (!feof(fp)) {
        line = slurp_line(fp, &n);
        if (!line)
            return -1;
        if (n == 0 || line[0] == '#') {
            free(line);
            continue;
        }
        struct item *it = item_parse(line);
        if (!it) {
            fprintf(stderr, "no key in '%s'\n", line);
            free(line);
            return -1;
        }
        free(line);
        it->next = t->head;
        t->head = it;
        t->n++;
    }
    return 0;
}

int table_dump(const struct table *t, FILE *fp, int sorted)
{
    const char **keys = malloc(t->n * sizeof(*keys) + 1);
    size_t n = 0;

    if (!keys)
        return -1;
    for (const struct item *it = t->head; it; it = it->next)
        keys[n++] = it->key;
    if (!sorted) {
        for (size_t i = 0; i < n; i++)
            fprintf(fp, "%s\n", keys[i]);
        free(keys);
    }
    if (ferror(fp)) {
        free(keys);
        return -1;
    }
    if (sorted)
        free(keys);
    return 0;
}

int table_print(const struct table *t, FILE *fp, int sorted)
{
    const char **keys = malloc(t->n * sizeof(*keys) + 1);
    size_t n = 0;

    if (!keys)
        return -1;
    for (const struct item *it = t->head; it; it = it->next)
        keys[n++] = it->key;
    if (!sorted) {
        for (size_t i = 0; i < n; i++)
            fprintf(fp, "%s\n", keys[i]);
        free(keys);
        return ferror(fp) ? -1 : 0;
    }
    if (ferror(fp)) {
        free(keys);
        return -1;
    }
    free(keys);
    return 0;
}

char *join(const char *a, const char *b)
{
    size_t n = strlen(a) + strlen(b) + 2;
    char *out = malloc(n);

    memcpy(out, a, strlen(a) + 1);
    strcat(out, "/");
    strcat(out, b);
    return out;
}

char *join_with(const char *a, char sep, const char *b)
{
    size_t n = strlen(a) + strlen(b) + 2;
    char *out = malloc(n);

    if (out != NULL)
        snprintf(out, n, "%s%c%s", a, sep, b);
    return out;
}
