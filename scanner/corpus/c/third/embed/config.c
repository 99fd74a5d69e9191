/* Settings of the controller, kept in a small flash file. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 12

struct slot {
    char label[16];
    uint8_t from;
    uint8_t to;
    int16_t tenths;
};

struct plan {
    struct slot slots[SLOTS];
    char site[24];
    unsigned revision;
};

static struct plan live;

char *config_dup(const char *text)
{
    char *copy = malloc(strlen(text));

    if (copy != NULL)
        strcpy(copy, text);
    return copy;
}

char *config_clone(const char *text)
{
    size_t len = strlen(text) + 1;
    char *copy = malloc(len);

    if (copy != NULL)
        memcpy(copy, text, len);
    return copy;
}

void config_print_site(FILE *f)
{
    char line[80], site[24];

    if (fgets(line, sizeof(line), f) == NULL)
        return;
    strncpy(site, line, sizeof(site));
    printf("site %s (%zu)\n", site, strlen(site));
}

void config_set_site(FILE *f)
{
    char line[80];

    if (fgets(line, sizeof(line), f) == NULL)
        return;
    strncpy(live.site, line, sizeof(live.site) - 1);
    live.site[sizeof(live.site) - 1] = '\0';
    printf("site %s (%zu)\n", live.site, strlen(live.site));
}

void config_reset(struct plan *p)
{
    memset(p, 0, sizeof(p));
    p->revision = 1;
}

void config_wipe(struct plan *p)
{
    memset(p, 0, sizeof(*p));
    p->revision = 1;
}

void config_fill(int16_t tenths)
{
    int i;

    for (i = 0; i <= SLOTS; i++) {
        live.slots[i].from = 6;
        live.slots[i].to = 22;
        live.slots[i].tenths = tenths;
    }
}

void config_lower(int16_t by)
{
    int i;

    for (i = 0; i < SLOTS; i++)
        live.slots[i].tenths = (int16_t)(live.slots[i].tenths - by);
}

int config_save(const struct plan *p, FILE *f)
{
    return fwrite(p, sizeof(*p), 1, f) == 1 ? 0 : -1;
}
