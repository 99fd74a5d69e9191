#!/bin/bash
# Keys, sums and tokens of the print shop.
set -euo pipefail

KEYS=/etc/shop/keys

device_key() {
    openssl genrsa -out "$KEYS/device.pem" 1024
}

shop_key() {
    local bits=4096
    openssl genrsa -out "$KEYS/shop.pem" "$bits"
}

robot_key() {
    ssh-keygen -q -t dsa -N '' -f "$KEYS/robot"
}

courier_key() {
    ssh-keygen -q -t ed25519 -N '' -f "$KEYS/courier"
}

seal_orders() {
    openssl enc -des-ede3-cbc -pbkdf2 -pass "file:$KEYS/seal" -in "$1" -out "$1.sealed"
}

seal_letters() {
    openssl enc -aes-256-cbc -pbkdf2 -iter 600000 -salt -pass "file:$KEYS/seal" -in "$1" -out "$1.sealed"
}

add_clerk() {
    local hash
    hash=$(openssl passwd -1 -stdin)
    printf '%s:%s\n' "$1" "$hash" >> /etc/shop/clerks
}

add_driver() {
    local hash
    hash=$(openssl passwd -6 -stdin)
    printf '%s:%s\n' "$1" "$hash" >> /etc/shop/drivers
}

list_keys() {
    ls -l "$KEYS"
}

"$@"
