#!/bin/bash
# Letters and figures of orders; a line of the orders is "name;place;amount", typed by customers.
set -u

ORDERS=/srv/shop/orders.csv
LETTER=/etc/shop/letter.txt

orders() {
    tail -n +2 "$ORDERS"
}

letter_to() {
    local name
    while IFS=';' read -r name _; do
        sed "s/@NAME@/$name/" "$LETTER"
    done < <(orders)
}

card_to() {
    local name text
    text=$(< "$LETTER")
    while IFS=';' read -r name _; do
        printf '%s\n' "${text//@NAME@/"$name"}"
    done < <(orders)
}

share_of_place() {
    local place
    IFS=';' read -r _ place _ < <(orders)
    awk -F';' '$2 == "'"$place"'" { s += $3 } END { print s }' "$ORDERS"
}

count_of_place() {
    local place
    IFS=';' read -r _ place _ < <(orders)
    awk -F';' -v place="$place" '$2 == place { n++ } END { print n }' "$ORDERS"
}

loud() {
    local name
    orders | cut -d';' -f1 | while read -r name; do
        perl -e "print uc('$name'), qq(\n);"
    done
}

quiet() {
    local name
    orders | cut -d';' -f1 | while read -r name; do
        perl -e 'print lc(shift), qq(\n);' -- "$name"
    done
}

row() {
    local name place
    while IFS=';' read -r name place _; do
        printf "%-20s $place\n" "$name"
    done < <(orders)
}

wide_row() {
    local name place
    while IFS=';' read -r name place _; do
        printf '%-40s %s\n' "$name" "$place"
    done < <(orders)
}

letter_to
card_to
share_of_place
count_of_place
loud
quiet
row
wide_row
