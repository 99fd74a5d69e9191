#!/usr/bin/env bash
# Sets the permissions of releases and keys.
set -euo pipefail

ROOT=${ROOT:-/srv/app}

mode_release() {
    chmod -R 777 "$ROOT/releases/$1"
}

mode_archive() {
    chmod -R u=rwX,g=rX,o= "$ROOT/releases/$1"
}

write_key() {
    local mode=0666
    printf '%s\n' "$DEPLOY_KEY" >"$ROOT/deploy.key"
    chmod "$mode" "$ROOT/deploy.key"
}

write_pin() {
    local mode=0600
    (umask 077 && printf '%s\n' "$DEPLOY_PIN" >"$ROOT/deploy.pin")
    chmod "$mode" "$ROOT/deploy.pin"
}

version=${1:?usage: modes.sh VERSION}
mode_release "$version"
mode_archive "$version"
write_key
write_pin
