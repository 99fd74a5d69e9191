#!/usr/bin/env bash
# Installs the tools a developer's machine needs.
set -euo pipefail

PREFIX=${PREFIX:-/opt/tools}
LINTER_SUM=5f2c1c0be3d9a9a3f0f44e2f6a9c7d7f1e8b6a5d4c3b2a190817263544536271

have() {
    command -v "$1" >/dev/null 2>&1
}

download() {
    curl --fail --silent --show-error --location --proto '=https' --output "$2" "$1"
}

install_runner() {
    have runner && return
    curl -fsSL http://get.runner.example/install.sh | bash
}

install_linter() {
    have linter && return
    local file
    file=$(mktemp)
    download https://get.linter.example/install.sh "$file"
    echo "$LINTER_SUM  $file" | sha256sum --check --quiet || return 1
    bash "$file"
}

install_packer() {
    local fetch="wget -qO-"
    $fetch "https://packer.example/${PACKER_VERSION:-latest}/setup.sh" | sudo sh -s -- --prefix "$PREFIX"
}

install_signed() {
    local folder
    folder=$(mktemp -d)
    download https://signed.example/setup.sh "$folder/setup.sh"
    download https://signed.example/setup.sh.asc "$folder/setup.sh.asc"
    gpg --no-default-keyring --keyring "$PREFIX/keys/release.gpg" --verify "$folder/setup.sh.asc" "$folder/setup.sh" || return 1
    sh "$folder/setup.sh"
}

install_runner
install_linter
install_packer
install_signed
