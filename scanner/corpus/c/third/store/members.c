/* Requests of the club's desk about its members. */
#include "query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int members_by_name(MYSQL *db, int fd)
{
    struct request r;
    char clause[256];

    if (request_read(fd, &r) != 0)
        return -1;
    snprintf(clause, sizeof(clause), "name = '%s'", r.member);
    return query_rows(db, clause);
}

int members_by_town(MYSQL *db, int fd)
{
    struct request r;
    char quoted[2 * sizeof(r.town) + 1], clause[400];

    if (request_read(fd, &r) != 0)
        return -1;
    mysql_real_escape_string(db, quoted, r.town, strlen(r.town));
    snprintf(clause, sizeof(clause), "town = '%s'", quoted);
    return query_rows(db, clause);
}

int members_by_number(MYSQL *db, int fd)
{
    struct request r;
    char quoted[2 * sizeof(r.number) + 1], clause[200];

    if (request_read(fd, &r) != 0)
        return -1;
    mysql_real_escape_string(db, quoted, r.number, strlen(r.number));
    snprintf(clause, sizeof(clause), "number = %s", quoted);
    return query_rows(db, clause);
}

int members_from(MYSQL *db, int fd)
{
    struct request r;
    char clause[64];

    if (request_read(fd, &r) != 0)
        return -1;
    snprintf(clause, sizeof(clause), "number >= %d", atoi(r.number));
    return query_rows(db, clause);
}

int members_town_asked(MYSQL *db, int fd)
{
    struct request r;

    if (request_read(fd, &r) != 0)
        return -1;
    return query_town(db, r.town);
}
