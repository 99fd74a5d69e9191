#ifndef NETD_PROTO_H
#define NETD_PROTO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NAME_MAX_LEN 64
#define TOPIC_MAX    32
#define FRAME_LIMIT  65536

struct msg_hdr {
    uint8_t  version;
    uint8_t  type;
    uint16_t flags;
    uint32_t length;
};

struct session {
    int      fd;
    char     user[NAME_MAX_LEN];
    char     topic[TOPIC_MAX];
    char     motd[256];
    uint32_t seq;
    unsigned authed : 1;
};

struct frame {
    uint32_t  count;
    uint32_t  stride;
    uint8_t  *data;
};

ssize_t read_full(int fd, void *buf, size_t n);
int     read_header(int fd, struct msg_hdr *h);

int on_hello(struct session *s, const struct msg_hdr *h);
int on_subscribe(struct session *s, const struct msg_hdr *h);
int on_publish(struct session *s, const struct msg_hdr *h);
int on_login(struct session *s);
int on_rename(struct session *s);
int on_whois(struct session *s);
int on_motd(struct session *s);
int on_banner(struct session *s);

int  frame_recv(int fd, struct frame *out);
int  frame_recv_compact(int fd, struct frame *out);
int  frame_concat(int fd, uint8_t **out, size_t *out_len);
int  frame_concat_pair(int fd, uint8_t **out, size_t *out_len);
int  frame_trailer(int fd, uint8_t *dst, size_t cap);
int  frame_body(int fd, uint8_t *dst, size_t cap);

#endif
