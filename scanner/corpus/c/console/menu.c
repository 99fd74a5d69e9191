/* Operator console of the gate controller. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char *gets(char *s);

struct operator {
    char name[24];
    char badge[12];
    int level;
};

static char motd[80];

static void set_motd(const char *text)
{
    strcpy(motd, text);
}

int read_command(void)
{
    char line[40];

    printf("> ");
    fflush(stdout);
    if (!gets(line))
        return -1;
    return line[0];
}

int read_choice(void)
{
    char line[40];

    printf("> ");
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin))
        return -1;
    line[strcspn(line, "\n")] = '\0';
    return line[0];
}

int read_badge(struct operator *op)
{
    printf("badge: ");
    fflush(stdout);
    if (scanf("%s", op->badge) != 1)
        return -1;
    op->level = 1;
    return 0;
}

int read_badge_again(struct operator *op)
{
    printf("badge: ");
    fflush(stdout);
    if (scanf("%11s", op->badge) != 1)
        return -1;
    op->level = 1;
    return 0;
}

int announce(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    set_motd(argv[1]);
    puts(motd);
    return 0;
}

int announce_default(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--night") == 0)
        set_motd("Night shift: all gates are locked.");
    else
        set_motd("Gates are open.");
    puts(motd);
    return 0;
}

int join_arguments(int argc, char **argv)
{
    char line[128] = "run";
    int i;

    for (i = 1; i < argc; i++) {
        strcat(line, " ");
        strcat(line, argv[i]);
    }
    return puts(line);
}

int join_words(int argc, char **argv)
{
    char line[128] = "run";
    size_t used = strlen(line);
    int i;

    for (i = 1; i < argc; i++) {
        size_t n = strlen(argv[i]);

        if (n >= sizeof line - used - 1)
            return -1;
        strcat(line, " ");
        strcat(line, argv[i]);
        used += n + 1;
    }
    return puts(line);
}
