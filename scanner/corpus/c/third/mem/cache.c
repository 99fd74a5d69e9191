/* Cache of the thumbnails of a photo server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    char *key;
    unsigned char *data;
    size_t size;
    struct entry *next;
};

struct cache {
    struct entry *head;
    size_t entries;
};

static struct entry **find(struct cache *c, const char *key)
{
    struct entry **at = &c->head;

    while (*at != NULL && strcmp((*at)->key, key) != 0)
        at = &(*at)->next;
    return at;
}

static void entry_free(struct entry *e)
{
    free(e->key);
    free(e->data);
    free(e);
}

void cache_evict(struct cache *c, const char *key)
{
    struct entry **at = find(c, key), *e = *at;

    if (e == NULL)
        return;
    *at = e->next;
    entry_free(e);
    c->entries--;
    fprintf(stderr, "evicted %zu bytes\n", e->size);
}

void cache_expire(struct cache *c, const char *key)
{
    struct entry **at = find(c, key), *e = *at;
    size_t size;

    if (e == NULL)
        return;
    *at = e->next;
    size = e->size;
    entry_free(e);
    c->entries--;
    fprintf(stderr, "expired %zu bytes\n", size);
}

void cache_drop(struct cache *c)
{
    struct entry *e;

    for (e = c->head; e != NULL; e = e->next) {
        free(e->key);
        free(e->data);
        free(e);
    }
    c->head = NULL;
    c->entries = 0;
}

void cache_clear(struct cache *c)
{
    struct entry *e = c->head, *next;

    while (e != NULL) {
        next = e->next;
        free(e->key);
        free(e->data);
        free(e);
        e = next;
    }
    c->head = NULL;
    c->entries = 0;
}

int cache_load(struct cache *c, const char *key, FILE *f, size_t size)
{
    struct entry *e = calloc(1, sizeof(*e));

    if (e == NULL)
        return -1;
    e->data = malloc(size);
    e->key = strdup(key);
    if (e->data == NULL || e->key == NULL)
        goto fail;
    if (fread(e->data, 1, size, f) != size) {
        free(e->data);
        goto fail;
    }
    e->size = size;
    e->next = c->head;
    c->head = e;
    c->entries++;
    return 0;
fail:
    free(e->key);
    free(e->data);
    free(e);
    return -1;
}

int cache_reload(struct cache *c, const char *key, FILE *f, size_t size)
{
    struct entry *e = *find(c, key);

    if (e == NULL)
        return -1;
    free(e->data);
    e->size = 0;
    e->data = malloc(size);
    if (e->data == NULL)
        return -1;
    if (fread(e->data, 1, size, f) != size) {
        free(e->data);
        e->data = NULL;
        return -1;
    }
    e->size = size;
    return 0;
}

struct entry *cache_blank(const char *key, size_t size)
{
    struct entry *e = malloc(sizeof(*e));

    e->key = strdup(key);
    e->data = calloc(1, size);
    e->size = size;
    e->next = NULL;
    return e;
}

struct cache *cache_new(void)
{
    struct cache *c = malloc(sizeof(*c));

    if (c == NULL)
        return NULL;
    c->head = NULL;
    c->entries = 0;
    return c;
}
