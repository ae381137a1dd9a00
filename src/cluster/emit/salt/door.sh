#!/bin/sh
# Runs a node's install.sh, and says in the last line what Salt expects of a stateful command: whether anything changed, or
# would. First argument: `look` or `install`; then the script and its options. Only exit codes decide: a look ends with 4
# where something would change.
set -eu

verb=$1
script=$2
shift 2
code=0
sh "$script" --dry-run "$@" || code=$?
case $verb.$code in
    *.0) echo "changed=no comment='nothing to do'" ;;
    look.4) echo "changed=yes comment='the node would change'" ;;
    install.4)
        sh "$script" "$@"
        echo "changed=yes comment='the node was changed'"
        ;;
    *) exit "$code" ;;
esac
