/* Tokens and spool files of the backup agent. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int write_all(int fd, const void *data, size_t n)
{
    return write(fd, data, n) == (ssize_t)n ? 0 : -1;
}

void make_pairing_code(char code[9])
{
    int i;

    srand((unsigned)time(NULL));
    for (i = 0; i < 8; i++)
        code[i] = (char)('0' + rand() % 10);
    code[8] = '\0';
}

int make_session_token(char token[33])
{
    uint8_t raw[16];
    int i;

    if (getrandom(raw, sizeof raw, 0) != (ssize_t)sizeof raw)
        return -1;
    for (i = 0; i < 16; i++)
        snprintf(token + 2 * i, 3, "%02x", raw[i]);
    return 0;
}

int dump_state(const char *text)
{
    char name[L_tmpnam];
    FILE *f;

    if (!tmpnam(name))
        return -1;
    f = fopen(name, "w");
    if (!f)
        return -1;
    fputs(text, f);
    return fclose(f);
}

int dump_queue(const char *text)
{
    char name[] = "/tmp/agent-XXXXXX";
    int fd = mkstemp(name);
    int rc;

    if (fd < 0)
        return -1;
    rc = write_all(fd, text, strlen(text));
    close(fd);
    unlink(name);
    return rc;
}

int store_key(const char *path, const uint8_t *key, size_t len)
{
    int fd, rc;

    umask(0);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return -1;
    rc = write_all(fd, key, len);
    close(fd);
    return rc;
}

int store_volume_key(const char *path, const uint8_t *key, size_t len)
{
    int fd, rc;

    umask(077);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    rc = write_all(fd, key, len);
    close(fd);
    return rc;
}
