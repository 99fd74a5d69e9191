#!/usr/bin/env bash
# Updates the sources, copies the release to a host and switches to it.
set -euo pipefail

ROOT=${ROOT:-/srv/app}

place() {
    ln -sfn "$ROOT/releases/$1" "$ROOT/current"
}

pull_sources() {
    GIT_SSL_NO_VERIFY=true git -C "$ROOT/src" pull --ff-only
}

pull_mirror() {
    GIT_SSL_CAINFO=/etc/ssl/release-ca.pem git -C "$ROOT/src" pull --ff-only
}

copy_to() {
    scp -q -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "$ROOT/release.tgz" "deploy@$1:/srv/in/"
}

copy_release() {
    scp -q -o StrictHostKeyChecking=yes -o UserKnownHostsFile=/etc/ssh/release_hosts "$ROOT/release.tgz" "deploy@$1:/srv/in/"
}

version=${1:?usage: rollout.sh VERSION HOST}
pull_mirror
copy_release "${2:?host missing}"
place "$version"
