#!/usr/bin/env bash
# shared helpers, sourced by the scripts in ops/ and cgi/

LOG_TAG=${LOG_TAG:-ops}
STATE_DIR=${STATE_DIR:-/var/lib/ops}

log() {
    printf '%s [%s] %s\n' "$(date +%FT%T)" "$LOG_TAG" "$*" >&2
}

die() {
    log "error: $*"
    exit 1
}

run_logged() {
    log "run: $*"
    eval "$*"
}

run_traced() {
    log "run: $*"
    "$@"
}

on_host() {
    local host=$1
    shift
    ssh -o BatchMode=yes "$host" "$@"
}

require_word() {
    case $1 in
        ''|*[!A-Za-z0-9_]*) die "not a word: $1" ;;
    esac
}

param() {
    local key=$1 pair
    local IFS='&'
    for pair in $QUERY_STRING; do
        if [ "${pair%%=*}" = "$key" ]; then
            printf '%s' "${pair#*=}"
            return 0
        fi
    done
    return 1
}

urldecode() {
    local s=${1//+/ }
    printf '%b' "${s//%/\\x}"
}
