#!/bin/bash
# Started by the forge's webhook with the path of the payload.
# Accounts "deploy" have bash as their login shell.
set -euo pipefail

PAYLOAD=$1
HOSTS=(web1.app.example web2.app.example)

value() {
    jq -r "$1 // empty" "$PAYLOAD"
}

log() {
    logger -t release -- "$*"
}

check_out() {
    local branch host
    branch=$(value .branch)
    for host in "${HOSTS[@]}"; do
        ssh "deploy@$host" "cd /srv/app && git fetch -q && git checkout -q $branch && make install"
    done
}

check_out_exact() {
    local branch host quoted
    branch=$(value .branch)
    printf -v quoted '%q' "origin/$branch"
    for host in "${HOSTS[@]}"; do
        ssh "deploy@$host" "cd /srv/app && git fetch -q && git switch -q --detach $quoted && make install"
    done
}

announce_branch() {
    local branch
    branch=$(value .branch)
    printf '%s\n' "$branch" | ssh "deploy@${HOSTS[0]}" "cat >> /srv/app/branches.txt"
}

build_image() {
    local author branch
    author=$(value .pusher.name)
    branch=$(value .branch)
    log "build of $branch"
    bash -c "docker build -q --label author=\"$author\" -t app:next ."
}

build_worker() {
    local author
    author=$(value .pusher.name)
    docker build -q --label "author=$author" -t worker:next -f worker.Dockerfile .
}

send_notes() {
    local name
    name=$(value .notes)
    curl -fsS --data-binary @- https://chat.app.example/hooks/notes < "/srv/release/notes/$name"
}

send_number() {
    local number
    number=$(value .number)
    [[ $number =~ ^[0-9]+$ ]] || return 64
    curl -fsS --data-binary @- https://chat.app.example/hooks/notes < "/srv/release/numbers/$number"
}

run_stage() {
    local stage
    stage=$(value .stage)
    case $stage in
        migrate | warm | switch) ;;
        *) return 64 ;;
    esac
    "/srv/release/stages/$stage" "${HOSTS[@]}"
}

notify() {
    local text
    text=$(value .head_commit.message)
    curl -fsS --data-urlencode "text=$text" https://chat.app.example/hooks/release
}

case $(value .event) in
    push) check_out && build_image ;;
    tag) check_out_exact && build_worker && announce_branch ;;
    notes) send_notes && send_number ;;
    stage) run_stage ;;
esac
notify
