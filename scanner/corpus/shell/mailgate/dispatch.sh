#!/bin/bash
# Called by the mail server for every message to tickets@; the message is on standard input.
set -u
. /usr/local/lib/common.sh

SPOOL=/var/spool/tickets
declare -A ACTIONS=([close]="ticketctl close" [reopen]="ticketctl reopen" [status]="ticketctl show")

subject_of() {
    sed -n 's/^Subject: //p' "$1" | head -n 1
}

store() {
    local file
    file=$(mktemp "$SPOOL/mail.XXXXXXXX")
    cat >"$file"
    printf '%s' "$file"
}

forward_subject() {
    local subject
    subject=$(subject_of "$1")
    echo "ticketctl add \"$subject\"" | sh
}

file_subject() {
    local subject
    subject=$(subject_of "$1")
    ticketctl add -- "$subject"
}

act_on() {
    local subject verb action
    subject=$(subject_of "$1")
    verb=${subject%% *}
    case $verb in
        close | reopen | status) action=${ACTIONS[$verb]} ;;
        *) return 0 ;;
    esac
    eval "$action latest"
}

act_on_text() {
    local subject
    subject=$(subject_of "$1")
    local -A request=([verb]="ticketctl show" [what]="$subject")
    eval "${request[verb]} ${request[what]}"
}

forward_number() {
    local subject number
    subject=$(subject_of "$1")
    number=${subject//[^0-9]/}
    echo "ticketctl show ${number:-0}" | sh
}

message=$(store)
case "${EXTENSION:-}" in
    add) forward_subject "$message" ;;
    act) act_on "$message" ;;
    text) act_on_text "$message" ;;
    number) forward_number "$message" ;;
    *) file_subject "$message" ;;
esac
