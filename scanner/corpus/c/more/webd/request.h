#ifndef WEBD_REQUEST_H
#define WEBD_REQUEST_H

#include <stddef.h>

struct request {
    int  fd;
    char method[8];
    char path[512];
    char agent[256];
    char body[2048];
};

int  request_read(int fd, struct request *rq);
int  request_arg(const struct request *rq, const char *key, char *out, size_t cap);
void respond(const struct request *rq, int code, const char *text);

int serve_static(const struct request *rq);
int serve_theme(const struct request *rq);
int serve_download(const struct request *rq);
int serve_avatar(const struct request *rq);
int serve_manual(const struct request *rq);
int serve_note(const struct request *rq);

#endif
