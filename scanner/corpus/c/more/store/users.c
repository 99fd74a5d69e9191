#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "users.h"

int store_exec(sqlite3 *db, const char *sql, row_cb cb, void *arg)
{
    char *err = NULL;
    int rc = sqlite3_exec(db, sql, cb, arg, &err);

    if (rc != SQLITE_OK) {
        fprintf(stderr, "sql: %s\n", err ? err : "?");
        sqlite3_free(err);
        return -1;
    }
    return 0;
}

static int take_int(void *arg, int n, char **vals, char **cols)
{
    (void)cols;
    if (n > 0 && vals[0])
        *(int *)arg = atoi(vals[0]);
    return 0;
}

int store_count(sqlite3 *db, const char *table)
{
    char sql[160];
    int count = -1;

    snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
    if (store_exec(db, sql, take_int, &count) < 0)
        return -1;
    return count;
}

static void row_to_user(sqlite3_stmt *st, struct user_row *out)
{
    out->id = sqlite3_column_int(st, 0);
    snprintf(out->name, sizeof(out->name), "%s", (const char *)sqlite3_column_text(st, 1));
    snprintf(out->mail, sizeof(out->mail), "%s", (const char *)sqlite3_column_text(st, 2));
}

int users_find(sqlite3 *db, const char *name, struct user_row *out)
{
    sqlite3_stmt *st;
    char *sql = sqlite3_mprintf("SELECT id, name, mail FROM users WHERE name = '%s'", name);
    int rc;

    if (!sql)
        return -1;
    rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
    sqlite3_free(sql);
    if (rc != SQLITE_OK)
        return -1;
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        row_to_user(st, out);
    sqlite3_finalize(st);
    return rc == SQLITE_ROW ? 0 : -1;
}

int users_find_by_mail(sqlite3 *db, const char *mail, struct user_row *out)
{
    sqlite3_stmt *st;
    char *sql = sqlite3_mprintf("SELECT id, name, mail FROM users WHERE mail = %Q", mail);
    int rc;

    if (!sql)
        return -1;
    rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
    sqlite3_free(sql);
    if (rc != SQLITE_OK)
        return -1;
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        row_to_user(st, out);
    sqlite3_finalize(st);
    return rc == SQLITE_ROW ? 0 : -1;
}
