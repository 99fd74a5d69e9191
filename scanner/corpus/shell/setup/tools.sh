#!/usr/bin/env bash
# Loads the helpers of the developers' shells.
set -euo pipefail

PREFIX=${PREFIX:-/opt/tools}

install_helpers() {
    local name
    for name in tidy trim sort; do
        source <(curl -sSL "http://helpers.example/$name.sh")
    done
}

show_versions() {
    curl -fsSL https://get.runner.example/versions.txt | sort -V | tail -n 5
}

install_hook() {
    eval "$(wget -qO - http://hooks.example/activate)"
}

install_shipped() {
    cat "$(dirname "$0")/shipped/install.sh" | bash -s -- --prefix "$PREFIX"
}

install_shipped
install_helpers
install_hook
show_versions
