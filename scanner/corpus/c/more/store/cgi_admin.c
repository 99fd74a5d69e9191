#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "users.h"

static char *query_param(const char *key, char *buf, size_t cap)
{
    const char *qs = getenv("QUERY_STRING");
    size_t klen = strlen(key);

    while (qs && *qs) {
        if (strncmp(qs, key, klen) == 0 && qs[klen] == '=') {
            const char *v = qs + klen + 1;
            size_t n = strcspn(v, "&");
            if (n >= cap)
                n = cap - 1;
            memcpy(buf, v, n);
            buf[n] = '\0';
            return buf;
        }
        qs = strchr(qs, '&');
        if (qs)
            qs++;
    }
    return NULL;
}

static void print_user(const struct user_row *u)
{
    printf("%d\t%s\t%s\n", u->id, u->name, u->mail);
}

static int handle_show(sqlite3 *db)
{
    char name[64];
    struct user_row u;

    if (!query_param("name", name, sizeof(name)))
        return -1;
    if (users_find(db, name, &u) < 0)
        return -1;
    print_user(&u);
    return 0;
}

static int handle_mail(sqlite3 *db)
{
    char mail[128];
    struct user_row u;

    if (!query_param("mail", mail, sizeof(mail)))
        return -1;
    if (users_find_by_mail(db, mail, &u) < 0)
        return -1;
    print_user(&u);
    return 0;
}

static int handle_count(sqlite3 *db)
{
    char table[48];
    int n;

    if (!query_param("table", table, sizeof(table)))
        return -1;
    n = store_count(db, table);
    printf("%d rows\n", n);
    return n < 0 ? -1 : 0;
}

static int handle_stats(sqlite3 *db)
{
    static const char *const known[] = { "users", "groups", "logins" };
    char table[48];
    size_t i;

    if (!query_param("table", table, sizeof(table)))
        return -1;
    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(table, known[i]) == 0) {
            printf("%d rows\n", store_count(db, known[i]));
            return 0;
        }
    }
    return -1;
}

static int handle_remove(sqlite3 *db)
{
    char id[32];
    char sql[128];

    if (!query_param("id", id, sizeof(id)))
        return -1;
    if (atoi(id) <= 0)
        return -1;
    snprintf(sql, sizeof(sql), "DELETE FROM users WHERE id = %s", id);
    return store_exec(db, sql, NULL, NULL);
}

static int handle_disable(sqlite3 *db)
{
    char id[32];
    char sql[128];

    if (!query_param("id", id, sizeof(id)))
        return -1;
    if (atoi(id) <= 0)
        return -1;
    snprintf(sql, sizeof(sql), "UPDATE users SET off = 1 WHERE id = %d", atoi(id));
    return store_exec(db, sql, NULL, NULL);
}

struct route {
    const char *path;
    int (*fn)(sqlite3 *);
};

static const struct route routes[] = {
    { "/show", handle_show },     { "/mail", handle_mail },
    { "/count", handle_count },   { "/stats", handle_stats },
    { "/remove", handle_remove }, { "/disable", handle_disable },
};

int main(void)
{
    const char *path = getenv("PATH_INFO");
    sqlite3 *db;
    int rc = 1;

    printf("Content-Type: text/plain\r\n\r\n");
    if (!path || sqlite3_open("/var/lib/admin/users.db", &db) != SQLITE_OK)
        return 1;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (strcmp(routes[i].path, path) == 0)
            rc = routes[i].fn(db) < 0;
    }
    sqlite3_close(db);
    return rc;
}
