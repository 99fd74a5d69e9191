/* Names and records out of the answers of a name server. */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAME_LEN 128
#define ANSWER_LEN 4096
#define FIRST_NAME 12

struct reply {
    uint8_t raw[ANSWER_LEN];
    size_t len;
};

int answer_receive(int sock, struct reply *r)
{
    ssize_t n = recvfrom(sock, r->raw, sizeof(r->raw), 0, NULL, NULL);

    if (n < FIRST_NAME)
        return -1;
    r->len = (size_t)n;
    return 0;
}

static int is_label_byte(uint8_t b)
{
    return isalnum(b) || b == '-' || b == '_';
}

void answer_print_question(int sock)
{
    struct reply r;
    char name[NAME_LEN];
    size_t at = FIRST_NAME, out = 0;

    if (answer_receive(sock, &r) != 0)
        return;
    while (at < r.len && r.raw[at] != 0) {
        uint8_t label = r.raw[at++];
        while (label-- > 0 && at < r.len)
            name[out++] = (char)r.raw[at++];
        name[out++] = '.';
    }
    name[out] = '\0';
    puts(name);
}

void answer_print_owner(int sock)
{
    struct reply r;
    char name[NAME_LEN];
    size_t at = FIRST_NAME, out = 0;

    if (answer_receive(sock, &r) != 0)
        return;
    while (at < r.len && r.raw[at] != 0) {
        uint8_t label = r.raw[at++];
        if (label > r.len - at || out + label + 2 > sizeof(name))
            return;
        while (label-- > 0)
            name[out++] = (char)r.raw[at++];
        name[out++] = '.';
    }
    name[out] = '\0';
    puts(name);
}

int answer_txt(int sock, size_t at, char *text, size_t room)
{
    struct reply r;
    uint8_t len;

    if (answer_receive(sock, &r) != 0 || at >= r.len)
        return -1;
    len = r.raw[at];
    if ((size_t)len + 1 > room || len > r.len - at - 1)
        return -1;
    memcpy(text, r.raw + at + 1, len);
    text[len] = '\0';
    return len;
}

int answer_forward(int sock, int out)
{
    struct reply r;
    size_t at, len;

    if (answer_receive(sock, &r) != 0)
        return -1;
    at = (size_t)r.raw[10] << 8 | r.raw[11];
    len = (size_t)r.raw[8] << 8 | r.raw[9];
    return write(out, r.raw + at, len) < 0 ? -1 : 0;
}

void answer_trace(int sock)
{
    struct reply r;
    char row[40];
    char label[64];
    size_t i, n;

    if (answer_receive(sock, &r) != 0)
        return;
    n = r.raw[FIRST_NAME - 1] & 63;
    for (i = 0; i < n && FIRST_NAME + i < r.len && is_label_byte(r.raw[FIRST_NAME + i]); i++)
        label[i] = (char)r.raw[FIRST_NAME + i];
    label[i] = '\0';
    sprintf(row, "label=%s bytes=%zu", label, r.len);
    puts(row);
}

void answer_summary(int sock)
{
    struct reply r;
    char row[64];

    if (answer_receive(sock, &r) != 0)
        return;
    sprintf(row, "kind=%u flags=%u bytes=%zu", r.raw[2], r.raw[3], r.len);
    puts(row);
}
