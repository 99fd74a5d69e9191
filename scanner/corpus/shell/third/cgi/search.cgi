#!/bin/bash
# Search of the house's documents, behind lighttpd.
set -u -f

DOCS=/srv/docs
: "${QUERY_STRING:=}"

decode() {
    local text=${1//+/ }
    printf '%b' "${text//%/\\x}"
}

param() {
    local pair IFS='&'
    for pair in $QUERY_STRING; do
        if [[ ${pair%%=*} == "$1" ]]; then
            decode "${pair#*=}"
            return
        fi
    done
}

header() {
    printf 'Content-Type: text/plain; charset=utf-8\r\n\r\n'
}

count_hits() {
    local term
    term=$(param q)
    sh -c "grep -ric -- '$term' $DOCS | awk -F: '{ s += \$2 } END { print s }'"
}

count_words() {
    local term
    term=$(param q)
    grep -riFc -- "$term" "$DOCS" | awk -F: '{ s += $2 } END { print s }'
}

read_settings() {
    local pair
    for pair in ${QUERY_STRING//&/ }; do
        eval "opt_${pair%%=*}='$(decode "${pair#*=}")'"
    done
    echo "size ${opt_size:-20}"
}

read_choices() {
    local pair
    local -A choice=()
    for pair in ${QUERY_STRING//&/ }; do
        case ${pair%%=*} in
            size) choice[size]=$(decode "${pair#*=}") ;;
            order) choice[order]=$(decode "${pair#*=}") ;;
        esac
    done
    echo "size ${choice[size]:-20} order ${choice[order]:-name}"
}

first_hit() {
    local page
    page=$(param page)
    echo $((page * 20 + 1))
}

last_hit() {
    local page
    page=$(param page)
    [[ $page =~ ^[0-9]{1,6}$ ]] || page=0
    echo $((10#$page * 20 + 20))
}

show_doc() {
    local name
    name=$(param name)
    cat -- "$DOCS/$name"
}

show_plan() {
    local name path
    name=$(param name)
    path=$(realpath -e -- "$DOCS/$name") || return 1
    if [[ $path != "$DOCS"/* ]]; then
        return 1
    fi
    cat -- "$path"
}

header
case $(param do) in
    hits) count_hits ;;
    words) count_words ;;
    settings) read_settings ;;
    choices) read_choices ;;
    page) first_hit && last_hit ;;
    doc) show_doc ;;
    plan) show_plan ;;
    *) echo "?" ;;
esac
