#!/bin/bash
# Sets a build host up.
set -euo pipefail

LINTER_SUM=9f2c1d7a40e4b65583d1c6ac7708f4d2f6f3d8b1a95e0c7742ab6e1308d5fc91
CACHE=/var/cache/setup

say() {
    printf '== %s\n' "$*"
}

install_runtime() {
    curl -fsSL https://get.runtime.example/install.sh | bash -s -- --yes
}

install_linter() {
    curl -fsSL -o "$CACHE/linter.sh" https://get.linter.example/install.sh
    echo "$LINTER_SUM  $CACHE/linter.sh" | sha256sum --check --quiet -
    bash "$CACHE/linter.sh" --yes
}

install_agent() {
    local file=$CACHE/agent
    wget -q -O "$file" https://dl.agent.example/agent-linux
    chmod 0755 "$file"
    "$file" register --quiet
}

install_probe() {
    local file=$CACHE/probe
    wget -q -O "$file" https://dl.probe.example/probe-linux
    wget -q -O "$file.sig" https://dl.probe.example/probe-linux.sig
    gpgv --keyring /etc/setup/probe.gpg "$file.sig" "$file"
    chmod 0755 "$file"
    "$file" register --quiet
}

setup_node() {
    eval "$(curl -fsSL https://env.node.example/setup)"
    node --version
}

setup_ruby() {
    eval "$(/opt/rbenv/bin/rbenv init -)"
    ruby --version
}

fetch_mirrors() {
    curl -fsSLk -o /etc/setup/mirrors.list https://mirrors.build.example/list
}

fetch_proxies() {
    curl -fsSL --cacert /etc/setup/build-ca.pem -o /etc/setup/proxies.list https://proxies.build.example/list
}

mkdir -p "$CACHE"
say runtimes
install_runtime
setup_node
setup_ruby
say tools
install_linter
install_agent
install_probe
say lists
fetch_mirrors
fetch_proxies
