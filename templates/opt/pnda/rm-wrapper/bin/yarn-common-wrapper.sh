#!/bin/sh
# Runs the command by whose name this file is called, in the queue that the caller may use: flink of each version,
# yarn-session.sh and Spark's commands in this folder are links to it. A queue that is asked for on the command line is
# used if the caller may; one that is refused ends the command, and nothing runs in another queue than was meant.
set -eu

name=${0##*/}
folder={{ at('/opt/pnda/rm-wrapper/bin') | sh }}
policy={{ at('/opt/pnda/rm-wrapper/policies/yarn-user-group-policy.sh') | sh }}

# The real command is the next one on the path.
PATH=$(printf '%s' ":$PATH:" | sed "s|:$folder:|:|g; s|^:||; s|:\$||")
export PATH

# How the command names a queue, and whether it names one at all.
case $name in
    flink | flink-[0-9]*)
        case ${1:-} in
            run | run-application) ;;
            *) exec "$name" "$@" ;;
        esac
        verb=$1
        shift
        option=-Dyarn.application.queue=
        ;;
    yarn-session.sh)
        verb=
        option=-Dyarn.application.queue=
        ;;
    spark-submit | spark-shell | pyspark)
        verb=
        option=--queue=
        ;;
    *)
        printf '%s: not one of the commands whose queue PNDA chooses\n' "$name" >&2
        exit 2
        ;;
esac

# Takes the request out of the options; what comes after the program belongs to the program.
wanted=
program=
count=$#
while [ "$count" -gt 0 ]; do
    word=$1
    shift
    count=$((count - 1))
    if [ -n "$program" ]; then
        set -- "$@" "$word"
        continue
    fi
    case $word in
        -yqu | --yarnqueue | -qu | --queue)
            [ "$count" -gt 0 ] || {
                printf '%s: %s names no queue\n' "$name" "$word" >&2
                exit 2
            }
            wanted=$1
            shift
            count=$((count - 1))
            ;;
        -Dyarn.application.queue=*) wanted=${word#*=} ;;
        --queue=* | --yarnqueue=*) wanted=${word#*=} ;;
        # An old way to name YARN, whose options differ.
        yarn-cluster)
            option=-yqu
            set -- "$@" "$word"
            ;;
        -D | -yD)
            if [ "$count" -gt 0 ] && [ "${1#yarn.application.queue=}" != "$1" ]; then
                wanted=${1#*=}
                shift
                count=$((count - 1))
            else
                set -- "$@" "$word"
            fi
            ;;
        -*) set -- "$@" "$word" ;;
        # The program: a jar, or a script of Python. Other words are values of the option before them.
        *.jar | *.py)
            case ${previous:-} in
                -C | --classpath | --jars | -j | --jar | -yt | --yarnship | -pyfs | --pyFiles | --py-files) ;;
                *) program=$word ;;
            esac
            set -- "$@" "$word"
            ;;
        *) set -- "$@" "$word" ;;
    esac
    previous=$word
done

code=0
queue=$("$policy" ${wanted:+"$wanted"}) || code=$?
if [ "$code" -ne 0 ]; then
    printf '%s: no queue to run in, so nothing was started\n' "$name" >&2
    logger -t yarn-policy "$name of $(id -un)${wanted:+ asked for $wanted}: refused with $code" 2>/dev/null || true
    exit "$code"
fi
case $option in
    *=) set -- "$option$queue" "$@" ;;
    *) set -- "$option" "$queue" "$@" ;;
esac
exec "$name" ${verb:+"$verb"} "$@"
