# Read by the scripts of ops/.

on_host() {
    local host=$1
    shift
    ssh -o BatchMode=yes "ops@$host" "$*"
}

ask() {
    psql -At -d fleet -c "$1"
}

warn() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}
