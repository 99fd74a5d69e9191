#!/usr/bin/env bash
# loads site plug-ins and user settings
. "${BASH_SOURCE%/*}/../lib/common.sh"

PLUGIN_DIR=/usr/lib/ops/plugins
declare -A SETTINGS=()

load_plugin() {
    local name=$1
    [ -r "$PLUGIN_DIR/$name" ] || die "no plug-in $name"
    source "$PLUGIN_DIR/$name"
}

load_module() {
    local name=$1
    require_word "$name"
    [ -r "$PLUGIN_DIR/$name.sh" ] || die "no module $name"
    source "$PLUGIN_DIR/$name.sh"
}

read_settings() {
    local file=$1 key val
    while IFS='=' read -r key val; do
        [ -n "$key" ] || continue
        eval "SET_$key=\"$val\""
    done < "$file"
}

read_options() {
    local file=$1 key val
    while IFS='=' read -r key val; do
        [[ $key =~ ^[a-z_]+$ ]] || continue
        SETTINGS[$key]=$val
    done < "$file"
}

read_overrides() {
    local file=$1 key val
    while IFS='=' read -r key val; do
        [[ $key =~ ^[a-z_]+$ ]] || continue
        printf -v "OVR_$key" '%s' "$val"
    done < "$file"
}

retry_count() {
    local answer
    read -r -p 'retries: ' answer
    echo $(( answer + 1 ))
}

retry_delay() {
    local answer
    read -r -p 'delay: ' answer
    case $answer in
        ''|*[!0-9]*) answer=5 ;;
    esac
    echo $(( 10#$answer + 1 ))
}

ask_level() {
    local level
    read -r level
    if [ "$level" -gt 3 ] 2>/dev/null; then
        level=3
    fi
    echo "level $level"
}

ask_hook() {
    local hook
    read -r hook
    trap "$hook" EXIT
}

ask_cleanup() {
    local dir
    read -r dir
    CLEAN_DIR=$dir
    trap 'rmdir -- "$CLEAN_DIR"' EXIT
}

show_fields() {
    local tmpl
    tmpl=$(cat)
    eval "cat <<END
$tmpl
END"
}

show_banner() {
    local who
    read -r who
    local cmd='printf "%s\n" "$who"'
    eval "$cmd"
}

pick_index() {
    local -a names=(red green blue)
    local i=$1
    echo "${names[$i]}"
}

pick_color() {
    local -a names=(red green blue)
    local i=$1
    case $i in
        0|1|2) echo "${names[$i]}" ;;
        *) echo none ;;
    esac
}

case ${1:-} in
    plugin) load_plugin "$2" ;;
    module) load_module "$2" ;;
    settings) read_settings "$2"; read_options "$2"; read_overrides "$2" ;;
    retry) retry_count; retry_delay ;;
    level) ask_level; ask_hook; ask_cleanup ;;
    fields) show_fields; show_banner ;;
    pick) pick_index "$2"; pick_color "$2" ;;
esac
