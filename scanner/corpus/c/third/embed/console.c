/* Service console on the serial line of a heating controller. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CMD 64

char *gets(char *);

static char history[8][CMD];
static unsigned turns;

static void remember(const char *cmd)
{
    snprintf(history[turns++ % 8], CMD, "%s", cmd);
}

void console_login(void)
{
    char name[32];

    fputs("name: ", stdout);
    if (gets(name) != NULL)
        remember(name);
}

void console_command(void)
{
    char cmd[CMD];

    fputs("> ", stdout);
    if (fgets(cmd, sizeof(cmd), stdin) != NULL)
        remember(cmd);
}

void console_zone(void)
{
    char zone[16];
    int degrees;

    if (scanf("%s %d", zone, &degrees) == 2)
        printf("%s is set to %d\n", zone, degrees);
}

void console_sensor(void)
{
    char sensor[16];
    int offset;

    if (scanf("%15s %d", sensor, &offset) == 2)
        printf("%s is off by %d\n", sensor, offset);
}

void console_raw(int tty)
{
    char line[128];
    ssize_t n = read(tty, line, sizeof(line));

    if (n < 0)
        return;
    line[n] = '\0';
    remember(line);
}

void console_echo(int tty)
{
    char line[128];
    ssize_t n = read(tty, line, sizeof(line) - 1);

    if (n < 0)
        return;
    line[n] = '\0';
    remember(line);
}

void console_help(void)
{
    puts("name, zone, sensor, quit");
}

int console_turns(void)
{
    return (int)(turns % 8);
}
