/* CGI programs of the document server. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DOC_ROOT "/srv/www/docs"

static const char *query_value(const char *key, char *out, size_t cap)
{
    const char *q = getenv("QUERY_STRING");
    size_t klen = strlen(key);

    out[0] = '\0';
    while (q && *q) {
        size_t len = strcspn(q, "&");

        if (len > klen && strncmp(q, key, klen) == 0 && q[klen] == '=') {
            size_t n = len - klen - 1;

            if (n >= cap)
                n = cap - 1;
            memcpy(out, q + klen + 1, n);
            out[n] = '\0';
            return out;
        }
        q += len;
        if (*q == '&')
            q++;
    }
    return out;
}

static int send_file(const char *path)
{
    char buf[4096];
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -1;
    printf("Content-Type: application/octet-stream\r\n\r\n");
    fflush(stdout);
    while ((n = read(fd, buf, sizeof buf)) > 0)
        if (write(STDOUT_FILENO, buf, (size_t)n) != n)
            break;
    close(fd);
    return 0;
}

int show_document(void)
{
    char name[128];
    char path[PATH_MAX];

    query_value("doc", name, sizeof name);
    snprintf(path, sizeof path, "%s/%s", DOC_ROOT, name);
    return send_file(path);
}

int show_manual(void)
{
    char name[128];
    char path[PATH_MAX];
    char real[PATH_MAX];

    query_value("doc", name, sizeof name);
    snprintf(path, sizeof path, "%s/%s", DOC_ROOT, name);
    if (!realpath(path, real))
        return -1;
    if (strncmp(real, DOC_ROOT "/", sizeof DOC_ROOT) != 0)
        return -1;
    return send_file(real);
}

int show_icon(void)
{
    char name[64];
    char path[PATH_MAX];

    query_value("icon", name, sizeof name);
    if (name[0] == '\0' || name[0] == '.' || strchr(name, '/'))
        return -1;
    snprintf(path, sizeof path, "/srv/www/icons/%s", name);
    return send_file(path);
}

int remove_upload(void)
{
    char name[128];
    char path[PATH_MAX];

    query_value("name", name, sizeof name);
    snprintf(path, sizeof path, "/srv/www/uploads/%s", name);
    if (unlink(path) != 0)
        return -errno;
    printf("Status: 204 No Content\r\n\r\n");
    return 0;
}

int show_page(void)
{
    char text[32];
    char path[PATH_MAX];
    unsigned long page;

    query_value("page", text, sizeof text);
    page = strtoul(text, NULL, 10);
    snprintf(path, sizeof path, "%s/scan/%lu.tif", DOC_ROOT, page);
    return send_file(path);
}

int print_document(void)
{
    char printer[64];
    char line[160];

    query_value("printer", printer, sizeof printer);
    snprintf(line, sizeof line, "lpr -P %s /srv/www/docs/form.ps", printer);
    return system(line);
}

int print_receipt(void)
{
    char printer[64];
    char line[160];

    query_value("printer", printer, sizeof printer);
    strcpy(printer, "counter1");
    snprintf(line, sizeof line, "lpr -P %s /srv/www/docs/receipt.ps", printer);
    return system(line);
}
