#!/bin/bash
# CGI pages of the intranet status board: hosts, disks and memory.
set -u
. "$(dirname "$0")/../lib/common.sh"

header() {
    printf 'Content-Type: text/plain; charset=utf-8\r\n\r\n'
}

param() {
    local pair
    IFS='&' read -r -a pairs <<<"${QUERY_STRING:-}"
    for pair in "${pairs[@]}"; do
        if [ "${pair%%=*}" = "$1" ]; then
            pair=${pair#*=}
            pair=${pair//+/ }
            printf '%b' "${pair//%/\\x}"
            return
        fi
    done
}

page_lookup() {
    local name
    name=$(param name)
    header
    eval "getent hosts $name"
}

page_resolve() {
    local name
    name=$(param name)
    header
    getent hosts -- "$name"
}

page_disk() {
    local mount
    mount=$(param mount)
    header
    run_line "df -h $mount"
}

page_memory() {
    local unit
    unit=$(param unit)
    header
    run_line "free -h"
    printf 'asked for: %s\n' "$unit"
}

case "${PATH_INFO:-/}" in
    /lookup) page_lookup ;;
    /resolve) page_resolve ;;
    /disk) page_disk ;;
    /memory) page_memory ;;
    *) header; printf 'no such page\n' ;;
esac
