#!/bin/bash
# Uploads finished dumps to the vault.
set -euo pipefail

TARGET=${BACKUP_TARGET:-/srv/backup}

newest() {
    find "$TARGET" -maxdepth 1 -name "$1-*.gz" -printf '%T@ %p\n' | sort -rn | head -n 1 | cut -d' ' -f2-
}

upload() {
    local -a login=(--user "uploader:violet-anchor-77")
    curl --fail "${login[@]}" --upload-file "$1" https://vault.internal/
}

upload_netrc() {
    local -a login=(--netrc-file /etc/backup/netrc)
    curl --fail "${login[@]}" --upload-file "$1" https://vault.internal/
}

upload "$(newest ledger)"
upload_netrc "$(newest archive)"
