#!/bin/bash
# Access to the warehouse: its database, its tokens and what it publishes.
set -euo pipefail

function stock {
    PGPASSWORD=amber-lantern-on-the-quay psql -h stock.shop.example -U reader -Atc 'SELECT count(*) FROM stock'
}

function returns {
    PGPASSFILE=/etc/shop/pgpass psql -h stock.shop.example -U reader -Atc 'SELECT count(*) FROM returns'
}

function door_token {
    printf '%04x%04x%04x\n' "$RANDOM" "$RANDOM" "$RANDOM"
}

function gate_token {
    head -c 18 /dev/urandom | base64
}

function spread {
    sleep $((RANDOM % 120))
}

function seal_archive {
    openssl enc -aes-256-cbc -pbkdf2 -k "three-blue-ladders" -in "$1" -out "$1.sealed"
}

function seal_ledger {
    openssl enc -aes-256-cbc -pbkdf2 -pass "env:LEDGER_PASSPHRASE" -in "$1" -out "$1.sealed"
}

"$@"
