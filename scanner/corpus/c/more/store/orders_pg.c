#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct request {
    char customer[64];
    char status[32];
    char note[256];
    char sort[32];
};

static int read_line(int fd, char *buf, size_t cap)
{
    size_t n = 0;
    char c;

    while (n + 1 < cap && read(fd, &c, 1) == 1 && c != '\n')
        buf[n++] = c;
    buf[n] = '\0';
    return n > 0 ? 0 : -1;
}

static int read_request(int fd, struct request *rq)
{
    memset(rq, 0, sizeof(*rq));
    if (read_line(fd, rq->customer, sizeof(rq->customer)) < 0)
        return -1;
    read_line(fd, rq->status, sizeof(rq->status));
    read_line(fd, rq->note, sizeof(rq->note));
    read_line(fd, rq->sort, sizeof(rq->sort));
    return 0;
}

static int send_rows(int fd, PGresult *res)
{
    int i, rows = PQntuples(res);

    for (i = 0; i < rows; i++)
        dprintf(fd, "%s %s\n", PQgetvalue(res, i, 0), PQgetvalue(res, i, 1));
    PQclear(res);
    return rows;
}

int orders_list(PGconn *conn, int fd)
{
    struct request rq;
    char sql[512];
    PGresult *res;

    if (read_request(fd, &rq) < 0)
        return -1;
    snprintf(sql, sizeof(sql),
             "SELECT id, total FROM orders WHERE customer = '%s' AND status = $1", rq.customer);
    const char *params[1] = { rq.status };
    res = PQexecParams(conn, sql, 1, NULL, params, NULL, NULL, 0);
    if (PQresultStatus(res) != PGRES_TUPLES_OK) {
        PQclear(res);
        return -1;
    }
    return send_rows(fd, res);
}

int orders_open(PGconn *conn, int fd)
{
    struct request rq;
    char sql[512];
    PGresult *res;

    if (read_request(fd, &rq) < 0)
        return -1;
    snprintf(sql, sizeof(sql),
             "SELECT id, total FROM orders WHERE customer = $1 AND status = '%s'", "open");
    const char *params[1] = { rq.customer };
    res = PQexecParams(conn, sql, 1, NULL, params, NULL, NULL, 0);
    if (PQresultStatus(res) != PGRES_TUPLES_OK) {
        PQclear(res);
        return -1;
    }
    return send_rows(fd, res);
}

int orders_annotate(PGconn *conn, int fd, int order)
{
    struct request rq;
    char esc[2 * sizeof(rq.note) + 1];
    char sql[1024];
    PGresult *res;
    int err = 0, ok;

    if (read_request(fd, &rq) < 0)
        return -1;
    PQescapeStringConn(conn, esc, rq.note, strlen(rq.note), &err);
    if (err)
        return -1;
    snprintf(sql, sizeof(sql), "UPDATE orders SET note = '%s' WHERE id = %d", esc, order);
    res = PQexec(conn, sql);
    ok = PQresultStatus(res) == PGRES_COMMAND_OK;
    PQclear(res);
    return ok ? 0 : -1;
}

int orders_sorted(PGconn *conn, int fd)
{
    struct request rq;
    char esc[2 * sizeof(rq.sort) + 1];
    char sql[512];
    PGresult *res;
    int err = 0;

    if (read_request(fd, &rq) < 0)
        return -1;
    PQescapeStringConn(conn, esc, rq.sort, strlen(rq.sort), &err);
    if (err)
        return -1;
    snprintf(sql, sizeof(sql), "SELECT id, total FROM orders ORDER BY %s", esc);
    res = PQexec(conn, sql);
    if (PQresultStatus(res) != PGRES_TUPLES_OK) {
        PQclear(res);
        return -1;
    }
    return send_rows(fd, res);
}

int orders_ranked(PGconn *conn, int fd)
{
    struct request rq;
    char sql[512];
    char *col;
    PGresult *res;

    if (read_request(fd, &rq) < 0)
        return -1;
    col = PQescapeIdentifier(conn, rq.sort, strlen(rq.sort));
    if (!col)
        return -1;
    snprintf(sql, sizeof(sql), "SELECT id, total FROM orders ORDER BY %s", col);
    PQfreemem(col);
    res = PQexec(conn, sql);
    if (PQresultStatus(res) != PGRES_TUPLES_OK) {
        PQclear(res);
        return -1;
    }
    return send_rows(fd, res);
}
