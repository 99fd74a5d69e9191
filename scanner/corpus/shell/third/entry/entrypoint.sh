#!/bin/sh
# Entry point of the image; starts as root and hands over to the account "app".
set -eu

DATA=/data

seed_password() {
    DB_PASSWORD=${DB_PASSWORD:-pelican-in-the-harbour}
    export DB_PASSWORD
}

need_password() {
    CACHE_PASSWORD=${CACHE_PASSWORD:-$(cat /run/secrets/cache_password)}
    export CACHE_PASSWORD
}

open_data() {
    mkdir -p "$DATA/files"
    chmod -R 777 "$DATA/files"
}

open_state() {
    mkdir -p "$DATA/state"
    chmod -R u=rwX,g=rX,o= "$DATA/state"
    chown app:app "$DATA/state"
}

render_proxy() {
    work=/tmp/proxy.$$
    envsubst '$UPSTREAM' < /etc/app/proxy.tpl > "$work"
    cp "$work" /etc/app/proxy.conf
    rm -f "$work"
}

render_mail() {
    work=$(mktemp /tmp/mail.XXXXXXXX)
    envsubst '$SMARTHOST' < /etc/app/mail.tpl > "$work"
    cp "$work" /etc/app/mail.conf
    rm -f "$work"
}

wait_for_db() {
    tries=0
    until pg_isready -q -h "${DB_HOST:-db}"; do
        tries=$((tries + 1))
        [ "$tries" -lt 30 ] || return 1
        sleep 1
    done
}

write_env() {
    umask 000
    printf 'DB_PASSWORD=%s\n' "$DB_PASSWORD" > /etc/app/env
}

write_cache_env() {
    umask 077
    printf 'CACHE_PASSWORD=%s\n' "$CACHE_PASSWORD" > /etc/app/cache.env
}

seed_password
need_password
open_data
open_state
render_proxy
render_mail
(write_env)
(write_cache_env)
wait_for_db
exec setpriv --reuid app --regid app --init-groups -- "$@"
