#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COLS 40

struct cell {
    char text[COLS];
    int  width;
};

void upper_into(char *dst, size_t cap, const char *src)
{
    size_t i;

    for (i = 0; i < cap && src[i]; i++)
        dst[i] = (char)toupper((unsigned char)src[i]);
    if (i < cap)
        dst[i] = '\0';
    else
        dst[cap - 1] = '\0';
}

int ask_name(char *out)
{
    char name[32];

    fputs("name: ", stdout);
    fflush(stdout);
    gets(name);
    memcpy(out, name, sizeof(name));
    return name[0] != '\0';
}

int ask_city(char *out)
{
    char city[32];

    fputs("city: ", stdout);
    fflush(stdout);
    if (!fgets(city, sizeof(city), stdin))
        return 0;
    memcpy(out, city, sizeof(city));
    return city[0] != '\0';
}

int ask_code(void)
{
    char code[16];

    if (scanf("%s", code) != 1)
        return -1;
    return atoi(code);
}

int ask_zip(void)
{
    char zip[16];

    if (scanf("%15s", zip) != 1)
        return -1;
    return atoi(zip);
}

void title_from_env(struct cell *c)
{
    const char *t = getenv("TITLE");

    strcpy(c->text, "[");
    if (t)
        strncat(c->text, t, sizeof(c->text));
    strcat(c->text, "]");
    c->width = (int)strlen(c->text);
}

void footer_from_env(struct cell *c)
{
    const char *t = getenv("FOOTER");

    strcpy(c->text, "[");
    if (t)
        strncat(c->text, t, sizeof(c->text) - strlen(c->text) - 2);
    strcat(c->text, "]");
    c->width = (int)strlen(c->text);
}

int read_columns(FILE *fp, struct cell row[], int max)
{
    int c, col = 0, pos = 0;

    while (col < max && (c = fgetc(fp)) != EOF && c != '\n') {
        if (c == '\t') {
            row[col].text[pos] = '\0';
            row[col].width = pos;
            col++;
            pos = 0;
            continue;
        }
        if (pos <= COLS)
            row[col].text[pos++] = (char)c;
    }
    return col;
}

int read_fields(FILE *fp, struct cell row[], int max)
{
    int c, col = 0, pos = 0;

    while (col < max && (c = fgetc(fp)) != EOF && c != '\n') {
        if (c == '\t') {
            row[col].text[pos] = '\0';
            row[col].width = pos;
            col++;
            pos = 0;
            continue;
        }
        if (pos < COLS - 1)
            row[col].text[pos++] = (char)c;
    }
    return col;
}

char *path_of(const char *dir)
{
    char line[1024];
    char *out;

    if (!fgets(line, sizeof(line), stdin))
        return NULL;
    line[strcspn(line, "\n")] = '\0';
    out = malloc(strlen(dir) + strlen(line) + 1);
    if (!out)
        return NULL;
    sprintf(out, "%s/%s", dir, line);
    return out;
}

char *path_under(const char *dir)
{
    char line[1024];
    char *out;

    if (!fgets(line, sizeof(line), stdin))
        return NULL;
    line[strcspn(line, "\n")] = '\0';
    out = malloc(strlen(dir) + strlen(line) + 2);
    if (!out)
        return NULL;
    sprintf(out, "%s/%s", dir, line);
    return out;
}

int main(int argc, char **argv)
{
    struct cell row[8];
    char name[32];
    char prog[24];

    strncpy(prog, argv[0], sizeof(prog) - 1);
    prog[sizeof(prog) - 1] = '\0';
    if (argc > 1 && strcmp(argv[1], "-i") == 0)
        return !ask_name(name) || ask_code() < 0 || ask_zip() < 0;
    title_from_env(&row[0]);
    footer_from_env(&row[1]);
    printf("%s %s %s\n", prog, row[0].text, row[1].text);
    return read_columns(stdin, row, 8) + read_fields(stdin, row, 8) < 0;
}
