#!/bin/bash
# For the help desk: "desk" may run this by sudo without a password.
set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin

usage() {
    echo "usage: ${0##*/} [-u user] [-p pid] [-m message] command" >&2
    exit 64
}

quota_of() {
    local user=$1
    su -s /bin/sh -c "quota -s $user | tail -n +3" nobody
}

groups_of() {
    local user=$1
    [[ $user =~ ^[a-z_][a-z0-9_-]{0,31}$ ]] || usage
    su -s /bin/sh -c "groups $user | tr ' ' ','" nobody
}

share_of() {
    tar -C "/home/$1" -cf - share
}

public_of() {
    case $1 in
        '' | *[!a-z0-9]*) usage ;;
    esac
    tar -C "/home/$1" -cf - public
}

tell() {
    printf "$1\n" | wall
}

tell_desk() {
    printf '%s\n' "$1" | wall -g desk
}

end_job() {
    kill -TERM $1
}

end_render() {
    local pid=$1
    [[ $pid =~ ^[1-9][0-9]{0,9}$ ]] || usage
    [[ $(cat "/proc/$pid/comm") == render ]] || return 1
    kill -TERM "$pid"
}

user='' pid='' message=''
while getopts u:p:m: option; do
    case $option in
        u) user=$OPTARG ;;
        p) pid=$OPTARG ;;
        m) message=$OPTARG ;;
        *) usage ;;
    esac
done
shift $((OPTIND - 1))

case ${1:-} in
    quota) quota_of "$user" ;;
    groups) groups_of "$user" ;;
    share) share_of "$user" ;;
    public) public_of "$user" ;;
    tell) tell "$message" ;;
    tell-desk) tell_desk "$message" ;;
    end) end_job "$pid" ;;
    end-render) end_render "$pid" ;;
    *) usage ;;
esac
