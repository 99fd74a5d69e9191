#!/usr/bin/env bash
set -euo pipefail
. "$(dirname "$0")/../lib/common.sh"

INVENTORY=${INVENTORY:-/etc/ops/hosts}

usage() {
    echo "usage: fleet.sh find|wipe|grep|restart|as|each ARG" >&2
    exit 2
}

fleet_find() {
    local pattern=$1 host
    while read -r host; do
        on_host "$host" "find /srv -name '$pattern' -print" < /dev/null
    done < "$INVENTORY"
}

fleet_grep() {
    local pattern=$1 host quoted
    quoted=$(printf '%q' "$pattern")
    while read -r host; do
        on_host "$host" "grep -rn -e $quoted /srv" < /dev/null
    done < "$INVENTORY"
}

fleet_restart() {
    local svc
    read -rp 'service: ' svc
    case $svc in
        web|db|queue) ;;
        *) die "no such service" ;;
    esac
    on_host "$(head -n 1 "$INVENTORY")" "sudo systemctl restart $svc"
}

fleet_reload() {
    local svc
    read -rp 'service: ' svc
    case $svc in
        web*|db*|queue*) ;;
        *) die "no such service" ;;
    esac
    on_host "$(head -n 1 "$INVENTORY")" "sudo systemctl reload $svc"
}

run_as() {
    local user=$1 script=$2
    su - deploy -c "cd /srv/app && ./bin/$script --user $user"
}

run_as_deploy() {
    local user=$1 script=$2
    su - deploy -c 'cd /srv/app && exec "./bin/task" --user "$0" --script "$1"' -- "$user" "$script"
}

shrink_uploads() {
    local dir=$1
    find "$dir" -type f -name '*.png' -exec sh -c 'pngquant --force --output {} {}' \;
}

shrink_thumbs() {
    local dir=$1
    find "$dir" -type f -name '*.png' -exec sh -c 'pngquant --force --output "$1" "$1"' _ {} \;
}

tag_uploads() {
    ls /srv/incoming | xargs -I{} sh -c 'exiftool -q {} >> /var/log/tags'
}

tag_archive() {
    find /srv/archive -type f -print0 | xargs -0 -I{} exiftool -q {} >> /var/log/tags
}

rename_in_place() {
    local from=$1 to=$2
    sed -i "s/$from/$to/e" /etc/ops/motd
}

drop_line() {
    local word=$1
    require_word "$word"
    sed -i "/$word/d" /etc/ops/motd
}

each_host() {
    local host cmd="uptime"
    while read -r host; do
        bash -c "$cmd" _ "$host"
    done < "$INVENTORY"
}

[ $# -ge 2 ] || usage
case $1 in
    find) fleet_find "$2" ;;
    grep) fleet_grep "$2" ;;
    restart) fleet_restart ;;
    reload) fleet_reload ;;
    as) run_as "$2" "${3:-task}" ;;
    asd) run_as_deploy "$2" "${3:-task}" ;;
    shrink) shrink_uploads "$2"; shrink_thumbs "$2" ;;
    tag) tag_uploads; tag_archive ;;
    rename) rename_in_place "$2" "${3:-}" ;;
    drop) drop_line "$2" ;;
    each) each_host ;;
    *) usage ;;
esac
