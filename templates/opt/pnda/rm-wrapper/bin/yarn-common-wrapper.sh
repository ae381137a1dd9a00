#!/bin/sh
# Runs the command by whose name this file is called, in the queue that the caller may use: flink of each version, its
# other clients and Spark's commands in this folder are links to it. A queue that is asked for on the command line is used
# if the caller may; one that is refused ends the command, and nothing runs in another queue than was meant.
# Which queue that is, the agent's program decides, as it does for applications.
set -eu

name=${0##*/}
folder={{ at(path='/opt/pnda/rm-wrapper/bin') | sh }}
map={{ at(path='/opt/pnda/rm-wrapper/policies/map.txt') | sh }}

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
    sql-client.sh)
        # Before 1.18 it takes no options of Flink's; a gateway submits by itself.
        version=${FLINK_VERSION:-$(readlink {{ at(path='/opt/pnda/flink') | sh }} || true)}
        case ${1:-},${version##*/flink-} in
            gateway,* | *,1.15.* | *,1.16.* | *,1.17.*) exec "$name" "$@" ;;
        esac
        verb=
        if [ "${1:-}" = embedded ]; then
            verb=$1
            shift
        fi
        option=-Dyarn.application.queue=
        ;;
    pyflink-shell.sh)
        [ "${1:-}" = yarn ] || exec "$name" "$@"
        verb=$1
        shift
        option=-qu
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
queue=$({{ at(path='/opt/pnda/agent/pnda-agent') | sh }} queue --map="$map" --requested="$wanted") || code=$?
if [ "$code" -eq 2 ] && [ "$name" = sql-client.sh ] && [ -z "$wanted" ]; then
    # It may never submit anything; where it does, YARN decides.
    exec "$name" ${verb:+"$verb"} "$@"
fi
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
