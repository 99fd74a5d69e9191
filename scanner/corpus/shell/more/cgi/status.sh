#!/usr/bin/env bash
set -u
. "$(dirname "$0")/../lib/common.sh"

header() {
    printf 'Content-Type: text/plain\r\n\r\n'
}

show_unit() {
    local unit
    unit=$(urldecode "$(param unit)")
    run_logged systemctl status "$unit"
}

show_timer() {
    local timer
    timer=$(urldecode "$(param timer)")
    run_traced systemctl status -- "$timer"
}

show_disk() {
    local part
    part=$(urldecode "$(param part)")
    require_word "$part"
    sh -c "df -h /srv/$part"
}

show_quota() {
    local user
    user=$(urldecode "$(param user)")
    sh -c "quota -u $user | tail -n +3"
}

show_log() {
    local n
    n=$(urldecode "$(param lines)")
    if [[ $n -gt 500 ]]; then
        n=500
    fi
    tail -n 500 /var/log/ops.log | head -n 20
}

show_tail() {
    local n
    n=$(urldecode "$(param lines)")
    [[ $n =~ ^[0-9]{1,3}$ ]] || n=20
    if [[ $n -gt 500 ]]; then
        n=500
    fi
    tail -n "$n" /var/log/ops.log
}

show_page() {
    local name
    name=$(urldecode "$(param name)")
    cat "/srv/pages/$name.txt"
}

show_help() {
    local name
    name=$(urldecode "$(param name)")
    name=${name##*/}
    [ -f "/srv/help/$name.txt" ] && cat "/srv/help/$name.txt"
}

show_sum() {
    local col
    col=$(urldecode "$(param col)")
    awk "{ s += \$$col } END { print s }" /srv/data/usage.tsv
}

show_avg() {
    local col
    col=$(urldecode "$(param col)")
    awk -v c="$col" '{ s += $c } END { if (NR) print s / NR }' /srv/data/usage.tsv
}

header
case ${PATH_INFO:-/} in
    /unit) show_unit ;;
    /timer) show_timer ;;
    /disk) show_disk ;;
    /quota) show_quota ;;
    /log) show_log ;;
    /tail) show_tail ;;
    /page) show_page ;;
    /help) show_help ;;
    /sum) show_sum ;;
    /avg) show_avg ;;
    *) echo "unknown" ;;
esac
