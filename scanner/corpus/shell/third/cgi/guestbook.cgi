#!/bin/sh
# Guest book of the club: entries in SQLite, visits in MariaDB, members in PostgreSQL.

DB=/var/lib/guestbook/entries.db

field() {
    printf '%s' "$BODY" | tr '&' '\n' | sed -n "/^$1=/{s/^[^=]*=//;p;q;}" | urldecode
}

urldecode() {
    python3 -c 'import sys, urllib.parse; sys.stdout.write(urllib.parse.unquote_plus(sys.stdin.read()))'
}

quoted() {
    printf '%s' "$1" | sed "s/'/''/g"
}

add_entry() {
    name=$(field name)
    text=$(field text)
    sqlite3 "$DB" "INSERT INTO entries (name, text) VALUES ('$name', '$text')"
}

add_reply() {
    name=$(quoted "$(field name)")
    text=$(quoted "$(field text)")
    sqlite3 "$DB" "INSERT INTO replies (name, text) VALUES ('$name', '$text')"
}

list_by() {
    column=$(field sort)
    sqlite3 -json "$DB" "SELECT name, text FROM entries ORDER BY $column LIMIT 50"
}

list_recent() {
    case $(field sort) in
        name) column="name COLLATE NOCASE" ;;
        *) column="id DESC" ;;
    esac
    sqlite3 -json "$DB" "SELECT name, text FROM entries ORDER BY $column LIMIT 50"
}

visit() {
    id=$(field id)
    mysql --defaults-file=/etc/guestbook/my.cnf guests <<SQL
SELECT day, host FROM visits WHERE id = $id;
SQL
}

visit_day() {
    id=$(field id)
    case $id in
        '' | *[!0-9]*) return 1 ;;
    esac
    mysql --defaults-file=/etc/guestbook/my.cnf guests <<SQL
SELECT day FROM visits WHERE id = $id;
SQL
}

member() {
    name=$(field name)
    psql -At -d club -v name="$name" <<'SQL'
SELECT since FROM members WHERE name = :'name';
SQL
}

total() {
    sqlite3 "$DB" "SELECT count(*) FROM entries"
}

BODY=$(head -c "${CONTENT_LENGTH:-0}")
printf 'Content-Type: application/json\r\n\r\n'
case ${PATH_INFO:-/} in
    /add) add_entry ;;
    /reply) add_reply ;;
    /list) list_by ;;
    /recent) list_recent ;;
    /visit) visit ;;
    /day) visit_day ;;
    /member) member ;;
    *) total ;;
esac
