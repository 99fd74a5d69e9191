#!/usr/bin/env bash
# Fetches the parts of a release.
set -euo pipefail

ROOT=${ROOT:-/srv/app}
MIRROR=https://releases.example.org
INSECURE=""

fetch() {
    curl --fail --silent "$@"
}

fetch_release() {
    curl -fsSk -o "$ROOT/release.tgz" "$MIRROR/app-$1.tgz"
}

fetch_assets() {
    curl -fsS --cacert /etc/ssl/release-ca.pem -o "$ROOT/assets.tgz" "$MIRROR/assets-$1.tgz"
}

fetch_notes() {
    fetch --insecure --output "$ROOT/notes.txt" "$MIRROR/notes-$1.txt"
}

fetch_manual() {
    fetch --output "$ROOT/manual.txt" "$MIRROR/manual-$1.txt"
}

fetch_fonts() {
    local -a options=(--quiet --no-check-certificate)
    wget "${options[@]}" -P "$ROOT/fonts" "$MIRROR/fonts.tgz"
}

fetch_icons() {
    local -a options=(--quiet --https-only)
    if [ -n "$INSECURE" ]; then
        options+=(--no-check-certificate)
    fi
    wget "${options[@]}" -P "$ROOT/icons" "$MIRROR/icons.tgz"
}

version=${1:?usage: fetch.sh VERSION}
fetch_release "$version"
fetch_assets "$version"
fetch_notes "$version"
fetch_manual "$version"
fetch_fonts
fetch_icons
