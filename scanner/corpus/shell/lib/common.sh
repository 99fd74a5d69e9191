#!/usr/bin/env bash
# Helpers sourced by the other scripts.

log() {
    printf '%s %s\n' "$(date +%FT%T)" "$*" >&2
}

die() {
    log "$*"
    exit 1
}

# Runs a line and logs how it ended.
run_line() {
    eval "$1"
    log "ended with $?"
}

# Runs a program with its arguments and logs how it ended.
run_argv() {
    "$@"
    log "ended with $?"
}

on_host() {
    ssh -o BatchMode=yes "$1" "$2"
}
