#!/bin/sh
# Prints the queue that the caller may use: of the rules in map.txt, the first that fits the caller and what is asked
# for. Argument: the queue that is asked for, if one is.
# It is advice: whoever does not ask it is not held to it.
# Exit codes: 0 printed; 1 there is no map; 2 no rule fits the caller; 3 none of the caller's queues is the one asked for.
set -eu

map={{ at('/opt/pnda/rm-wrapper/policies/map.txt') | sh }}
wanted=${1:-}

if ! [ -r "$map" ]; then
    echo "$map file missing" >&2
    exit 1
fi
user=$(id -un)
groups=" $(id -Gn) "

fits() { # member, as the map writes it
    case $1 in
        '*') return 0 ;;
        # A group is a whole word: dev-ops is not dev.
        :*) case $groups in *" ${1#:} "*) return 0 ;; *) return 1 ;; esac ;;
        *:*) [ "${1%%:*}" = "$user" ] ;;
        *) return 1 ;;
    esac
}

allowed=
while read -r member queue _; do
    case $member in '' | '#'*) continue ;; esac
    fits "$member" || continue
    allowed="$allowed $queue"
    if [ -z "$wanted" ] || [ "$wanted" = "$queue" ]; then
        echo "$queue"
        exit 0
    fi
done <"$map"

if [ -z "$wanted" ]; then
    echo "Error: No matching rule for $user" >&2
    exit 2
fi
echo "Error: No matching queue: $user may use${allowed:- none}, and not $wanted" >&2
exit 3
