#ifndef STORE_USERS_H
#define STORE_USERS_H

#include <sqlite3.h>

struct user_row {
    int  id;
    char name[64];
    char mail[128];
};

typedef int (*row_cb)(void *arg, int n, char **vals, char **cols);

int store_exec(sqlite3 *db, const char *sql, row_cb cb, void *arg);
int store_count(sqlite3 *db, const char *table);

int users_find(sqlite3 *db, const char *name, struct user_row *out);
int users_find_by_mail(sqlite3 *db, const char *mail, struct user_row *out);

#endif
