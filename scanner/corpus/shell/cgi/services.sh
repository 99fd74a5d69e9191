#!/bin/bash
# CGI pages of the intranet status board: services and their log.
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

page_service() {
    local unit
    unit=$(param unit)
    header
    case $unit in
        nginx | postgresql | cron) run_line "systemctl is-active $unit" ;;
        *) printf 'unknown service\n' ;;
    esac
}

page_log() {
    local lines=${HTTP_X_LINES:-20}
    header
    sh -c "tail -n $lines /var/log/board.log"
}

page_log_tail() {
    local lines=${HTTP_X_LINES:-20}
    header
    if [[ ! $lines =~ ^[0-9]{1,4}$ ]]; then
        lines=20
    fi
    sh -c "tail -n $lines /var/log/board.log"
}

case "${PATH_INFO:-/}" in
    /service) page_service ;;
    /log) page_log ;;
    /tail) page_log_tail ;;
    *) header; printf 'no such page\n' ;;
esac
