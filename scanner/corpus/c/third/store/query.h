#ifndef CLUB_QUERY_H
#define CLUB_QUERY_H

#include <mysql/mysql.h>

struct request {
    char member[128];
    char town[128];
    char number[32];
};

int request_read(int fd, struct request *r);
int query_rows(MYSQL *db, const char *clause);
int query_town(MYSQL *db, const char *town);

#endif
