#!/bin/sh
# Runs a node's install.sh, and says in the last line what Salt wants to hear: whether anything changed, or would.
set -eu

script=$1
shift
code=0
said=$(sh "$script" "$@") || code=$?
[ -z "$said" ] || printf '%s\n' "$said"
case $code in
    0 | 4) ;;
    *) exit "$code" ;;
esac
last=$(printf '%s\n' "$said" | tail -n 1 | tr -d "'")
case $last in
    'nothing to do'*) printf "changed=no comment='%s'\n" "$last" ;;
    *) printf "changed=yes comment='%s'\n" "$last" ;;
esac
