#!/bin/bash
# Keeps the lists of accounts and units with the backups.
set -euo pipefail

TARGET=${BACKUP_TARGET:-/srv/backup}

stamp() {
    date +%Y%m%d
}

collect_lists() {
    local list
    for list in passwd group; do
        getent "$list" >"/tmp/backup-$list.txt"
    done
    tar czf "$TARGET/lists-$(stamp).tgz" /tmp/backup-passwd.txt /tmp/backup-group.txt
}

collect_units() {
    local list=/tmp/units.txt
    list=$TARGET/units-$(stamp).txt
    systemctl list-unit-files >"$list"
}

collect_lists
collect_units
