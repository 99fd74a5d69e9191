#!/bin/bash
# Nightly dump of the local databases.
set -euo pipefail

TARGET=${BACKUP_TARGET:-/srv/backup}

stamp() {
    date +%Y%m%d
}

dump_orders() {
    local out=/tmp/orders.sql
    pg_dump orders >"$out"
    gzip -c "$out" >"$TARGET/orders-$(stamp).gz"
}

dump_customers() {
    local out
    out=$(mktemp)
    trap 'rm -f "$out"' RETURN
    pg_dump customers >"$out"
    gzip -c "$out" >"$TARGET/customers-$(stamp).gz"
}

dump_stock() {
    local out="/tmp/stock.$$"
    pg_dump stock >"$out"
    gzip -c "$out" >"$TARGET/stock-$(stamp).gz"
    rm -f "$out"
}

dump_prices() {
    local folder
    folder=$(mktemp -d /tmp/prices.XXXXXXXXXX)
    pg_dump prices >"$folder/prices.sql"
    gzip -c "$folder/prices.sql" >"$TARGET/prices-$(stamp).gz"
    rm -rf -- "$folder"
}

for part in orders customers stock prices; do
    "dump_$part"
done
