#!/bin/bash
# Unpacks the attachments of a stored message and hands them to the ticket system.
set -euo pipefail

unpack() {
    local folder
    folder=$(mktemp -d /var/spool/tickets/parts.XXXXXXXX)
    munpack -q -C "$folder" "$1" >/dev/null
    printf '%s' "$folder"
}

index_attachments() {
    find "$1" -type f -exec sh -c 'file {} && ticketctl attach {}' \;
}

index_parts() {
    find "$1" -type f -exec sh -c 'file -- "$1" && ticketctl attach -- "$1"' _ {} \;
}

folder=$(unpack "${1:?usage: parts.sh MESSAGE}")
if [ "${2:-}" = all ]; then
    index_attachments "$folder"
else
    index_parts "$folder"
fi
