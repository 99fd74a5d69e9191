#!/bin/bash
# Runs at night as the account "keeper"; customers fill INBOX by SFTP.
set -u

INBOX=/srv/sftp/inbox
DONE=/srv/keeper/done
VAULT=vault.keeper.example

space() {
    df -h --output=avail "$DONE" | tail -n 1
}

compress_new() {
    find "$INBOX" -type f -name '*.csv' -exec sh -c 'gzip -9 -c {} > {}.gz' \;
}

compress_late() {
    find "$INBOX" -type f -name '*.csv' -exec sh -c 'gzip -9 -c "$1" > "$1.gz"' gz {} \;
}

count_pages() {
    find "$INBOX" -type f -name '*.pdf' | xargs -I NAME sh -c "pdfinfo NAME | grep Pages"
}

list_fonts() {
    find "$INBOX" -type f -name '*.pdf' -print0 | xargs -0 -r -n 1 pdffonts
}

move_each() {
    local file
    for file in "$INBOX"/*; do
        eval "mv $file $DONE/"
    done
}

move_all() {
    local file
    for file in "$INBOX"/*; do
        [[ -f $file ]] || continue
        mv -- "$file" "$DONE/"
    done
}

remote_folder() {
    ssh "$VAULT" "mkdir -p /vault/$1"
}

ship() {
    local folder
    while IFS= read -r folder; do
        remote_folder "$folder"
        rsync -a "$INBOX/$folder/" "$VAULT:/vault/incoming/"
    done < <(find "$INBOX" -mindepth 1 -maxdepth 1 -type d -printf '%f\n')
}

ship_today() {
    local day
    day=$(date +%F)
    remote_folder "$day"
    rsync -a "$DONE/" "$VAULT:/vault/$day/"
}

compress_new
count_pages
move_each
compress_late
list_fonts
move_all
ship
ship_today
space
