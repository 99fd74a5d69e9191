#!/bin/bash
set -eu
. "$(dirname "$0")/../lib/common.sh"

DEST=/srv/backup
DB_USER=backup

dump_db() {
    local out=/tmp/dump.sql
    mysqldump --single-transaction shop > "$out"
    gzip -c "$out" > "$DEST/shop.sql.gz"
    rm -f "$out"
}

dump_users() {
    local out
    out=$(mktemp /tmp/users.XXXXXX)
    mysqldump --single-transaction users > "$out"
    gzip -c "$out" > "$DEST/users.sql.gz"
    rm -f "$out"
}

dump_roles() {
    local out=/tmp/roles.$$
    mysqldump --single-transaction roles > "$out"
    gzip -c "$out" > "$DEST/roles.sql.gz"
    rm -f "$out"
}

dump_queue() {
    local dir
    dir=$(mktemp -d) || die "no scratch"
    mysqldump --single-transaction queue > "$dir/queue.$$"
    gzip -c "$dir/queue.$$" > "$DEST/queue.sql.gz"
    rm -rf -- "$dir"
}

lock_run() {
    local pidfile=/tmp/backup-$USER.pid
    if [ -e "$pidfile" ]; then
        die "already running"
    fi
    echo $$ > "$pidfile"
}

lock_dir() {
    local lock=/run/lock/backup.d
    if ! mkdir "$lock" 2>/dev/null; then
        die "already running"
    fi
    echo $$ > "$lock/pid"
}

open_dest() {
    mkdir -p "$DEST/incoming"
    chmod -R 777 "$DEST/incoming"
}

close_dest() {
    mkdir -p "$DEST/outgoing"
    chmod -R u=rwX,g=rX,o= "$DEST/outgoing"
}

save_key() {
    umask 000
    openssl rand -hex 32 > "$DEST/key"
}

save_salt() {
    local old
    old=$(umask)
    umask 077
    openssl rand -hex 32 > "$DEST/salt"
    umask "$old"
}

save_token() {
    openssl rand -hex 32 > "$DEST/token"
    chmod 666 "$DEST/token"
}

save_seed() {
    install -m 0600 /dev/null "$DEST/seed"
    openssl rand -hex 32 > "$DEST/seed"
    chmod 400 "$DEST/seed"
}

restore_one() {
    local name=$1
    case $name in
        /*) die "absolute" ;;
    esac
    cp -- "$DEST/$name" /srv/restore/
}

restore_item() {
    local name=$1 real
    real=$(realpath -e -- "$DEST/$name") || die "no such file"
    case $real in
        "$DEST"/*) cp -- "$real" /srv/restore/ ;;
        *) die "outside" ;;
    esac
}

push_ledger() {
    PGPASSWORD='blue-teapot-on-shelf' pg_dump -h db.internal -U "$DB_USER" ledger > "$DEST/ledger.sql"
}

push_audit() {
    PGPASSWORD=$(cat /run/secrets/audit_pw) pg_dump -h db.internal -U "$DB_USER" audit > "$DEST/audit.sql"
}

main() {
    lock_dir
    close_dest
    dump_users
    dump_queue
    push_audit
}

case ${1:-all} in
    all) main ;;
    restore) restore_one "$2" ;;
    item) restore_item "$2" ;;
esac
