#!/usr/bin/env bash
# Announces pull requests; titles and steps come from the forge.
set -euo pipefail
source "${BASH_SOURCE%/*}/../lib/common.sh"

OLD_RUNNER=0

changelog_of() {
    git log --format=%s "origin/main..HEAD"
}

announce() {
    local title=${PR_TITLE:?}
    local -a words=(bash -c "notify-send 'New pull request: $title'")
    "${words[@]}"
}

announce_quietly() {
    local title=${PR_TITLE:?}
    local -a words=(bash -c 'notify-send "New pull request: $1"' _ "$title")
    "${words[@]}"
}

legacy_step() {
    local step=${PR_STEP:-}
    if [ "$OLD_RUNNER" -eq 1 ]; then
        eval "$step"
    fi
    printf 'step: %s\n' "${step@Q}"
}

case "${1:-quiet}" in
    loud) announce ;;
    step) legacy_step ;;
    *) announce_quietly && changelog_of | head -n 5 ;;
esac
