#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "request.h"

#define DOCROOT "/srv/www"

static int send_fd(const struct request *rq, int in)
{
    char buf[8192];
    ssize_t n;

    dprintf(rq->fd, "HTTP/1.0 200 OK\r\n\r\n");
    while ((n = read(in, buf, sizeof(buf))) > 0) {
        if (write(rq->fd, buf, (size_t)n) != n)
            break;
    }
    close(in);
    return n < 0 ? -1 : 0;
}

static int send_file(const struct request *rq, const char *path)
{
    int in = open(path, O_RDONLY);

    if (in < 0) {
        respond(rq, errno == ENOENT ? 404 : 403, "no\n");
        return -1;
    }
    return send_fd(rq, in);
}

int serve_static(const struct request *rq)
{
    char full[PATH_MAX];

    if (rq->path[0] != '/')
        return -1;
    if (strncmp(rq->path, "../", 3) == 0) {
        respond(rq, 400, "bad path\n");
        return -1;
    }
    snprintf(full, sizeof(full), "%s%s", DOCROOT, rq->path);
    return send_file(rq, full);
}

int serve_theme(const struct request *rq)
{
    char full[PATH_MAX], real[PATH_MAX];
    size_t root = strlen(DOCROOT "/");

    snprintf(full, sizeof(full), "%s%s", DOCROOT, rq->path);
    if (!realpath(full, real)) {
        respond(rq, 404, "no\n");
        return -1;
    }
    if (strncmp(real, DOCROOT "/", root) != 0) {
        respond(rq, 403, "no\n");
        return -1;
    }
    return send_file(rq, real);
}

int serve_download(const struct request *rq)
{
    char name[128], full[PATH_MAX], real[PATH_MAX];

    if (request_arg(rq, "file", name, sizeof(name)) < 0)
        return -1;
    snprintf(full, sizeof(full), "%s/pub/%s", DOCROOT, name);
    if (!realpath(full, real)) {
        respond(rq, 404, "no\n");
        return -1;
    }
    if (strncmp(full, DOCROOT "/pub/", strlen(DOCROOT "/pub/")) != 0) {
        respond(rq, 403, "no\n");
        return -1;
    }
    return send_file(rq, full);
}

int serve_avatar(const struct request *rq)
{
    char name[64], full[PATH_MAX];

    if (request_arg(rq, "user", name, sizeof(name)) < 0)
        return -1;
    if (strchr(name, '/') || name[0] == '.') {
        respond(rq, 400, "bad name\n");
        return -1;
    }
    snprintf(full, sizeof(full), "%s/avatars/%s.png", DOCROOT, name);
    return send_file(rq, full);
}

int serve_manual(const struct request *rq)
{
    char name[64], full[PATH_MAX];
    const char *page = "index";

    if (request_arg(rq, "page", name, sizeof(name)) == 0) {
        if (strcmp(name, "install") == 0)
            page = "install";
        else if (strcmp(name, "usage") == 0)
            page = "usage";
    }
    snprintf(full, sizeof(full), "%s/manual/%s.html", DOCROOT, page);
    return send_file(rq, full);
}

int serve_note(const struct request *rq)
{
    char name[64], full[PATH_MAX];
    FILE *fp;

    if (request_arg(rq, "id", name, sizeof(name)) < 0)
        return -1;
    snprintf(full, sizeof(full), "/var/lib/webd/notes/%s.txt", name);
    fp = fopen(full, "w");
    if (!fp)
        return -1;
    fputs(rq->body, fp);
    fclose(fp);
    respond(rq, 201, "saved\n");
    return 0;
}
