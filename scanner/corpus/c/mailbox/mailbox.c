/* Mailbox commands of the delivery agent, one command per connection. */
#include <ctype.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAME_MAX_LEN 32

static int take(int fd, char *buf, size_t cap)
{
    ssize_t n = recv(fd, buf, cap - 1, 0);

    if (n <= 0)
        return -1;
    buf[n] = '\0';
    buf[strcspn(buf, "\r\n")] = '\0';
    return 0;
}

/* Puts a backslash before every double quote. */
static void quote(const char *in, char *out, size_t cap)
{
    size_t o = 0;

    while (*in && o + 2 < cap) {
        if (*in == '"')
            out[o++] = '\\';
        out[o++] = *in++;
    }
    out[o] = '\0';
}

int forward_mail(int fd)
{
    char addr[128], quoted[260], line[400];

    if (take(fd, addr, sizeof addr) != 0)
        return -1;
    quote(addr, quoted, sizeof quoted);
    snprintf(line, sizeof line, "sendmail \"%s\" < /var/spool/agent/current", quoted);
    return system(line);
}

int forward_copy(int fd)
{
    char addr[128], line[400];
    size_t i;

    if (take(fd, addr, sizeof addr) != 0)
        return -1;
    for (i = 0; addr[i]; i++)
        if (!isalnum((unsigned char)addr[i]) && addr[i] != '.' && addr[i] != '@')
            addr[i] = '_';
    snprintf(line, sizeof line, "sendmail -- \"%s\" < /var/spool/agent/current", addr);
    return system(line);
}

int open_box(int fd)
{
    int16_t len;
    char name[NAME_MAX_LEN];

    if (recv(fd, &len, sizeof len, MSG_WAITALL) != (ssize_t)sizeof len)
        return -1;
    if (len >= NAME_MAX_LEN)
        return -1;
    if (recv(fd, name, (uint16_t)len, 0) <= 0)
        return -1;
    return access(name[0] ? "/var/mail" : "/", R_OK);
}

int close_box(int fd)
{
    int16_t len;
    char name[NAME_MAX_LEN];

    if (recv(fd, &len, sizeof len, MSG_WAITALL) != (ssize_t)sizeof len)
        return -1;
    if (len <= 0 || len >= NAME_MAX_LEN)
        return -1;
    if (recv(fd, name, (uint16_t)len, 0) <= 0)
        return -1;
    return access(name[0] ? "/var/mail" : "/", R_OK);
}

int copy_subject(int fd, char subject[NAME_MAX_LEN])
{
    char text[512];

    if (take(fd, text, sizeof text) != 0)
        return -1;
    strncpy(subject, text, strlen(text) + 1);
    return 0;
}

int copy_sender(int fd, char sender[NAME_MAX_LEN])
{
    char text[512];
    char *dst = sender;
    const char *src = text;

    if (take(fd, text, sizeof text) != 0)
        return -1;
    strncpy(dst, src, NAME_MAX_LEN - 1);
    dst[NAME_MAX_LEN - 1] = '\0';
    return 0;
}

int read_folder(int fd)
{
    char name[64], path[160];

    if (take(fd, name, sizeof name) != 0)
        return -1;
    if (strncmp(name, "../", 3) == 0 || name[0] == '/')
        return -1;
    snprintf(path, sizeof path, "/var/mail/folders/%s", name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

int read_list(int fd)
{
    char name[64], path[160];

    if (take(fd, name, sizeof name) != 0)
        return -1;
    if (name[0] == '\0' || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return -1;
    snprintf(path, sizeof path, "/var/mail/lists/%s", name);
    return open(path, O_RDONLY | O_CLOEXEC);
}
