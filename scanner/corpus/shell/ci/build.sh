#!/usr/bin/env bash
# Shows what the branch of a pull request changes and counts the lines of its files.
set -euo pipefail
source "${BASH_SOURCE%/*}/../lib/common.sh"

BUILD_HOST=build1.internal

show_remote() {
    local branch=${PR_BRANCH:?}
    on_host "$BUILD_HOST" "cd /srv/build && git log -n 5 $branch"
}

show_branch() {
    local branch=${PR_BRANCH:?}
    on_host "$BUILD_HOST" "cd /srv/build && git log -n 5 $(printf '%q' "origin/$branch")"
}

show_main() {
    local branch=${PR_BRANCH:?}
    log "shown for $(printf '%q' "$branch")"
    branch=main
    on_host "$BUILD_HOST" "cd /srv/build && git log -n 5 $branch"
}

label_files() {
    local file
    while IFS= read -r file; do
        bash -c "wc -l < $file"
    done < <(git diff --name-only origin/main...HEAD)
}

label_counts() {
    local file
    while IFS= read -r file; do
        bash -c 'wc -l < "$1"' _ "$file"
    done < <(git diff --name-only origin/main...HEAD)
}

case "${1:-all}" in
    remote) show_remote ;;
    branch) show_branch ;;
    main) show_main ;;
    files) label_files ;;
    *) label_counts ;;
esac
