#!/usr/bin/env bash
# Prepares the folders and settings that releases share.
set -euo pipefail

ROOT=${ROOT:-/srv/app}

prepare_shared() {
    local folder
    for folder in uploads plugins bin; do
        install -d -m a+rwx "$ROOT/shared/$folder"
    done
}

prepare_folders() {
    local folder
    for folder in uploads plugins bin; do
        install -d -m 0750 -o app -g app "$ROOT/shared/$folder"
    done
}

write_environment() {
    umask 000
    env | grep '^APP_' >"$ROOT/environment"
}

write_settings() {
    umask 077
    env | grep '^APP_' >"$ROOT/settings"
}

case "${1:-}" in
    open) prepare_shared && write_environment ;;
    *) prepare_folders && write_settings ;;
esac
