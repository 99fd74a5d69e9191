#!/bin/bash
# The mail server pipes each mail to support@ into this.
set -u

SPOOL=/var/spool/support
MAIL=$(mktemp)
trap 'rm -f "$MAIL"' EXIT
cat > "$MAIL"

field() {
    formail -zx "$1:" < "$MAIL" | head -n 1
}

size() {
    stat -c %s "$MAIL"
}

answer() {
    local from subject
    from=$(field From)
    subject=$(field Subject)
    sh -c "mail -s \"Re: $subject\" \"$from\" < /etc/support/thanks.txt"
}

answer_late() {
    local subject
    subject=$(field Subject)
    mail -s "Late: $subject" -- desk@support.example < /etc/support/late.txt
}

open_ticket() {
    local subject
    subject=$(field Subject)
    mysql --defaults-file=/etc/support/my.cnf support -e "INSERT INTO tickets (subject) VALUES ('$subject')"
}

open_case() {
    local subject
    subject=$(field Subject | base64 -w 0)
    mysql --defaults-file=/etc/support/my.cnf support -e "INSERT INTO cases (subject) VALUES (FROM_BASE64('$subject'))"
}

keep_copy() {
    local name
    name=$(field X-File-Name)
    cp "$MAIL" "$SPOOL/copies/$name"
}

keep_original() {
    local name
    name=$(field X-File-Name | tr -cd 'A-Za-z0-9._-')
    cp "$MAIL" "$SPOOL/originals/mail-$name"
}

unpack_parts() {
    ripmime -i "$MAIL" -d "$SPOOL/parts"
    find "$SPOOL/parts" -name '*.tar' -exec tar -C "$SPOOL/open" -P -xf {} \;
}

unpack_logs() {
    ripmime -i "$MAIL" -d "$SPOOL/parts"
    find "$SPOOL/parts" -name '*.tar' -exec tar -C "$SPOOL/logs" --no-same-owner --no-same-permissions -xf {} \;
}

answer
answer_late
open_ticket
open_case
keep_copy
keep_original
unpack_parts
unpack_logs
size > /dev/null
