#!/bin/sh
# Mirrors what the partners publish.
set -eu

STORE=/srv/mirror
TOKEN=$(cat /etc/mirror/token)

sizes() {
    du -sh "$STORE"/*
}

pull_prices() {
    curl -fsS -H "Authorization: Bearer $TOKEN" -o "$STORE/prices.json" http://prices.partner.example/v1/all
}

pull_stock() {
    curl -fsS -H "Authorization: Bearer $TOKEN" -o "$STORE/stock.json" https://stock.partner.example/v1/all
}

push_dump() {
    curl -fsS --netrc-file /etc/mirror/netrc -T "$STORE/dump.sql.gz" ftp://vault.partner.example/dumps/
}

push_report() {
    curl -fsS --netrc-file /etc/mirror/netrc -T "$STORE/report.pdf" sftp://vault.partner.example/reports/
}

pull_images() {
    wget -q --no-check-certificate -P "$STORE/images" -i /etc/mirror/images.txt
}

pull_sheets() {
    wget -q --ca-certificate=/etc/mirror/ca.pem -P "$STORE/sheets" -i /etc/mirror/sheets.txt
}

pull_code() {
    git -c http.sslVerify=false -C "$STORE/code" fetch -q --prune
}

pull_docs() {
    git -c http.sslCAInfo=/etc/mirror/ca.pem -C "$STORE/docs" fetch -q --prune
}

pull_prices
pull_stock
pull_images
pull_sheets
pull_code
pull_docs
push_dump
push_report
sizes
