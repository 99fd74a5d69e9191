#!/bin/bash
# Answers the fleet's chat: a line of standard input is "verb rest".
set -u

HERE=$(dirname -- "$(readlink -f -- "$0")")
. "$HERE/../lib/remote.sh"

readonly FREE_FORM=no

run() {
    eval "$@"
}

restart() {
    on_host "app1.fleet.example" "systemctl restart $1"
}

reload() {
    local unit
    case $1 in
        web) unit=nginx ;;
        queue) unit=rabbitmq-server ;;
        *) warn "no such unit" && return 1 ;;
    esac
    on_host "app1.fleet.example" "systemctl reload $unit"
}

nodes_in() {
    local place=$1
    ask "SELECT name FROM nodes WHERE place = '$place'"
}

nodes_down() {
    local place=$1 statement
    statement="SELECT count(*) FROM nodes WHERE down"
    ask "$statement"
    echo "($place)"
}

ping_node() {
    local words=(ping -c 1 -W 2)
    words+=("$1")
    run "${words[*]}"
}

trace_node() {
    local words=(traceroute -q 1 -w 2)
    words+=(-- "$1")
    "${words[@]}"
}

free_form() {
    if [ "$FREE_FORM" = yes ]; then
        run "$1"
    else
        warn "not allowed"
    fi
}

while read -r verb rest; do
    case $verb in
        restart) restart "$rest" ;;
        reload) reload "$rest" ;;
        nodes) nodes_in "$rest" ;;
        down) nodes_down "$rest" ;;
        ping) ping_node "$rest" ;;
        trace) trace_node "$rest" ;;
        run) free_form "$rest" ;;
    esac
done
