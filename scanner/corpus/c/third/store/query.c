#include "query.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int request_read(int fd, struct request *r)
{
    char raw[256];
    ssize_t n = recv(fd, raw, sizeof(raw) - 1, 0);

    if (n <= 0)
        return -1;
    raw[n] = '\0';
    memset(r, 0, sizeof(*r));
    return sscanf(raw, "%127[^|]|%127[^|]|%31s", r->member, r->town, r->number) == 3 ? 0 : -1;
}

static int print_result(MYSQL *db)
{
    MYSQL_RES *res = mysql_store_result(db);
    MYSQL_ROW row;

    if (res == NULL)
        return -1;
    while ((row = mysql_fetch_row(res)) != NULL)
        printf("%s\n", row[0] != NULL ? row[0] : "");
    mysql_free_result(res);
    return 0;
}

int query_rows(MYSQL *db, const char *clause)
{
    char sql[1024];

    snprintf(sql, sizeof(sql), "SELECT name FROM members WHERE %s ORDER BY name", clause);
    if (mysql_query(db, sql) != 0)
        return -1;
    return print_result(db);
}

int query_town(MYSQL *db, const char *town)
{
    static const char sql[] = "UPDATE towns SET asked = asked + 1 WHERE name = ?";
    MYSQL_STMT *st = mysql_stmt_init(db);
    MYSQL_BIND in;
    unsigned long len = strlen(town);
    int rc = -1;

    if (st == NULL)
        return -1;
    memset(&in, 0, sizeof(in));
    in.buffer_type = MYSQL_TYPE_STRING;
    in.buffer = (void *)town;
    in.buffer_length = len;
    in.length = &len;
    if (mysql_stmt_prepare(st, sql, sizeof(sql) - 1) == 0 &&
        mysql_stmt_bind_param(st, &in) == 0)
        rc = mysql_stmt_execute(st);
    mysql_stmt_close(st);
    return rc;
}
