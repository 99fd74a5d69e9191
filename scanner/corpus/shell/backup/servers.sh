#!/bin/bash
# Dumps the remote databases.
set -euo pipefail

TARGET=${BACKUP_TARGET:-/srv/backup}
DB_PASSWORD_FILE=/etc/backup/password

stamp() {
    date +%Y%m%d
}

dump_ledger() {
    mysqldump --host=ledger.internal --user=backup --password=orchard-lantern-42 ledger | gzip >"$TARGET/ledger-$(stamp).gz"
}

dump_archive() {
    MYSQL_PWD=$(<"$DB_PASSWORD_FILE") mysqldump --host=ledger.internal --user=backup archive | gzip >"$TARGET/archive-$(stamp).gz"
}

dump_reviews() {
    export PGPASSWORD='copper-Meadow-1907'
    pg_dump --host reviews.internal --username backup reviews | gzip >"$TARGET/reviews-$(stamp).gz"
}

dump_ratings() {
    export PGPASSWORD=''
    PGPASSWORD=${RATINGS_PASSWORD:?}
    pg_dump --host reviews.internal --username backup ratings | gzip >"$TARGET/ratings-$(stamp).gz"
}

for part in ledger archive reviews ratings; do
    "dump_$part"
done
