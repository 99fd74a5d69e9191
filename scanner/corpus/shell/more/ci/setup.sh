#!/usr/bin/env bash
set -euo pipefail

VERSION=${VERSION:-2.4.1}
MIRROR=https://dl.example.org
TOOL_SHA=1111111111111111111111111111111111111111111111111111111111111111
CURL_OPTS=(--fail --silent --show-error --location)

say() {
    printf '==> %s\n' "$*"
}

install_runtime() {
    say "runtime $VERSION"
    curl "${CURL_OPTS[@]}" "$MIRROR/runtime/install.sh" | bash -s -- --version "$VERSION"
}

install_tool() {
    local f
    f=$(mktemp)
    say "tool $VERSION"
    curl "${CURL_OPTS[@]}" -o "$f" "$MIRROR/tool/install.sh"
    echo "$TOOL_SHA  $f" | sha256sum -c - || return 1
    bash "$f" --version "$VERSION"
}

install_linter() {
    local f
    f=$(mktemp)
    say "linter $VERSION"
    wget -q -O "$f" "$MIRROR/linter/install.sh"
    sha256sum "$f"
    chmod +x "$f"
    "$f" --version "$VERSION"
}

install_fmt() {
    local dir
    dir=$(mktemp -d)
    say "fmt $VERSION"
    wget -q -P "$dir" "$MIRROR/fmt/fmt.tar.gz" "$MIRROR/fmt/fmt.tar.gz.asc"
    gpg --no-default-keyring --keyring /etc/ci/release.gpg \
        --verify "$dir/fmt.tar.gz.asc" "$dir/fmt.tar.gz"
    tar -xzf "$dir/fmt.tar.gz" -C /opt/fmt
    /opt/fmt/install.sh
}

install_hooks() {
    eval "$(wget -qO- http://hooks.example.org/setup)"
}

install_env() {
    local out
    out=$(curl "${CURL_OPTS[@]}" "$MIRROR/env.txt")
    printf '%s\n' "$out" > /etc/ci/env.txt
}

fetch_cache() {
    local opts=("${CURL_OPTS[@]}")
    opts+=(-k)
    curl "${opts[@]}" -o /var/cache/ci.tar "$MIRROR/cache.tar"
}

fetch_state() {
    local opts=("${CURL_OPTS[@]}")
    opts+=(-K /etc/ci/curlrc)
    curl "${opts[@]}" -o /var/cache/state.tar "$MIRROR/state.tar"
}

fetch_image() {
    wget --quiet --no-check-certificate -O /var/cache/image.bin "$MIRROR/image.bin"
}

fetch_kernel() {
    wget --quiet --no-clobber --ca-certificate=/etc/ci/ca.pem -O /var/cache/kernel.bin "$MIRROR/kernel.bin"
}

push_artifacts() {
    scp -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null out/*.tar builder@store.example.org:/srv/out/
}

push_logs() {
    scp -o StrictHostKeyChecking=yes -o UserKnownHostsFile=/etc/ci/known_hosts log/*.txt builder@store.example.org:/srv/log/
}

clone_repo() {
    git -c http.sslVerify=false clone --depth 1 "$MIRROR/src.git" src
}

clone_docs() {
    git -c http.sslCAInfo=/etc/ci/ca.pem clone --depth 1 "$MIRROR/docs.git" docs
}

notify_chat() {
    local api_key="marmalade-and-toast-17"
    curl "${CURL_OPTS[@]}" -H "Authorization: Bearer $api_key" -d "built $VERSION" https://chat.example.org/hook
}

notify_mail() {
    local api_key=${MAIL_KEY:?}
    curl "${CURL_OPTS[@]}" -H "Authorization: Bearer $api_key" -d "built $VERSION" https://mail.example.org/hook
}

label_build() {
    local title=${CHANGE_TITLE:-}
    sh -c "echo build $VERSION: $title >> /var/log/ci/builds"
}

label_release() {
    local title=${CHANGE_TITLE:-}
    sh -c 'echo "release $1: $2" >> /var/log/ci/builds' sh "$VERSION" "$title"
}

unpack_bundle() {
    local f=$1
    tar -xPf "$f" -C /opt/bundle
}

unpack_docs() {
    local f=$1
    tar --no-same-owner -xf "$f" -C /opt/docs
}

case ${1:-} in
    tools) install_tool; install_fmt ;;
    all) install_runtime; install_tool; install_linter; install_fmt; install_hooks; install_env ;;
    fetch) fetch_cache; fetch_state; fetch_image; fetch_kernel ;;
    push) push_artifacts; push_logs ;;
    clone) clone_repo; clone_docs ;;
    notify) notify_chat; notify_mail ;;
    label) label_build; label_release ;;
    unpack) unpack_bundle "$2"; unpack_docs "$2" ;;
esac
