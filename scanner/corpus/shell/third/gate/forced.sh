#!/bin/bash
# command="/usr/lib/gate/forced.sh ROLE" of authorized_keys: what a partner's key may do.
set -u

ASKED=${SSH_ORIGINAL_COMMAND:-}
LOGS=/var/log/gate

refuse() {
    echo "refused" >&2
    exit 77
}

as_partner() {
    bash -c "$ASKED"
}

as_monitor() {
    case $ASKED in
        uptime | "df -h") bash -c "$ASKED" ;;
        *) refuse ;;
    esac
}

as_reader() {
    if [[ $ASKED == "git-upload-pack "* ]]; then
        eval "$ASKED"
    else
        refuse
    fi
}

as_writer() {
    if [[ $ASKED == "git-receive-pack "* ]]; then
        exec git-shell -c "$ASKED"
    else
        refuse
    fi
}

as_auditor() {
    local name
    name=${ASKED#log }
    cat "$LOGS/$name"
}

as_clerk() {
    local name
    name=${ASKED#log }
    cat "$LOGS/${name##*/}"
}

as_guest() {
    ASKED=date
    bash -c "$ASKED"
}

case ${1:-} in
    partner) as_partner ;;
    monitor) as_monitor ;;
    reader) as_reader ;;
    writer) as_writer ;;
    auditor) as_auditor ;;
    clerk) as_clerk ;;
    guest) as_guest ;;
    *) refuse ;;
esac
