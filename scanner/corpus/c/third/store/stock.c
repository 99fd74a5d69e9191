/* Stock of a workshop in an SQLite file; the counter's terminal talks on stdin. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD 80

static int ask(const char *prompt, char *into, int room)
{
    fputs(prompt, stdout);
    fflush(stdout);
    if (fgets(into, room, stdin) == NULL)
        return -1;
    into[strcspn(into, "\r\n")] = '\0';
    return 0;
}

static int print_row(void *unused, int columns, char **values, char **names)
{
    int i;

    (void)unused;
    for (i = 0; i < columns; i++)
        printf("%s=%s%s", names[i], values[i] != NULL ? values[i] : "-", i + 1 < columns ? " " : "\n");
    return 0;
}

static int run(sqlite3 *db, const char *sql)
{
    char *err = NULL;
    int rc = sqlite3_exec(db, sql, print_row, NULL, &err);

    if (rc != SQLITE_OK)
        fprintf(stderr, "stock: %s\n", err);
    sqlite3_free(err);
    return rc;
}

int find_part(sqlite3 *db)
{
    char part[WORD], sql[256];

    if (ask("part: ", part, sizeof(part)) != 0)
        return -1;
    snprintf(sql, sizeof(sql), "SELECT shelf, amount FROM parts WHERE name LIKE '%%%s%%'", part);
    return run(db, sql);
}

int find_shelf(sqlite3 *db)
{
    char shelf[WORD];
    sqlite3_stmt *st;

    if (ask("shelf: ", shelf, sizeof(shelf)) != 0)
        return -1;
    if (sqlite3_prepare_v2(db, "SELECT name FROM parts WHERE shelf = ?", -1, &st, NULL) != SQLITE_OK)
        return -1;
    sqlite3_bind_text(st, 1, shelf, -1, SQLITE_TRANSIENT);
    while (sqlite3_step(st) == SQLITE_ROW)
        printf("%s\n", sqlite3_column_text(st, 0));
    return sqlite3_finalize(st);
}

int rename_part(sqlite3 *db)
{
    char from[WORD], to[WORD], *sql;
    int rc;

    if (ask("from: ", from, sizeof(from)) != 0 || ask("to: ", to, sizeof(to)) != 0)
        return -1;
    sql = sqlite3_mprintf("UPDATE parts SET name = '%s' WHERE name = '%s'", to, from);
    if (sql == NULL)
        return -1;
    rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    return rc;
}

int move_part(sqlite3 *db)
{
    char part[WORD], shelf[WORD], *sql;
    int rc;

    if (ask("part: ", part, sizeof(part)) != 0 || ask("shelf: ", shelf, sizeof(shelf)) != 0)
        return -1;
    sql = sqlite3_mprintf("UPDATE parts SET shelf = %Q WHERE name = %Q", shelf, part);
    if (sql == NULL)
        return -1;
    rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    return rc;
}

int take_parts(sqlite3 *db)
{
    char amount[WORD], sql[200];
    long n;

    if (ask("amount: ", amount, sizeof(amount)) != 0)
        return -1;
    n = strtol(amount, NULL, 10);
    snprintf(sql, sizeof(sql), "UPDATE parts SET amount = amount - %ld WHERE reserved = 1", n);
    return run(db, sql);
}

int count_parts(sqlite3 *db)
{
    return run(db, "SELECT COUNT(*) AS parts FROM parts");
}
