#!/bin/sh
# Installs node {{ node }} of cluster {{ cluster }}: finds the mirror, fetches the agent from it, checks the agent's
# digest, and hands over to it. Until that digest was checked, nothing on this machine is changed. Where the agent that
# is installed has that very digest, it is not fetched again.
#
#   sh install.sh [--mirror URL|FOLDER] [--dry-run] [further options of `pnda-agent install`]
#
# The mirror is --mirror, else PNDA_MIRROR, else {{ door.mirror }}.
# PNDA_PATIENCE is for how many seconds a mirror may send less than 1 KiB a second (30): more of them for a poor line.
# --dry-run only prints what would change. Exit codes: 0 done, 1 failed, 2 usage, 3 something is not what was
# expected (a digest differs), 4 something would change (--dry-run).
set -eu

mirror=${PNDA_MIRROR:-{{ door.mirror | sh }}}
patience=${PNDA_PATIENCE:-30}
agent={{ door.agent | sh }}
agent_sha256={{ door.sha256 | sh }}
agent_size={{ door.size }}
installed={{ at(path='/opt/pnda/agent/pnda-agent') | sh }}

fail() { # exit code, message
    printf 'install.sh: %s\n' "$2" >&2
    exit "$1"
}

# Brings a file of the mirror ($1) to $2, whatever the mirror is.
fetch() {
    case $mirror in
        http://* | https://*) download "${mirror%/}/$1" "$2" ;;
        file://*) copy "${mirror#file://}/$1" "$2" ;;
        *) copy "$mirror/$1" "$2" ;;
    esac
}

copy() {
    [ -f "$1" ] || fail 1 "there is no file $1: is the medium mounted, and --mirror its folder?"
    cp -- "$1" "$2"
}

# A mirror that sends more than was promised is cut off (ulimit counts blocks of 512 bytes), and so is one that sends a
# byte now and then: all of it must have come at 16 KiB a second. wget's own bound begins anew with every byte.
download() {
    printf 'install.sh: fetching %s\n' "$1" >&2
    limit=$((agent_size / 16384 + 4 * patience))
    (
        ulimit -f $((agent_size / 512 + 2))
        if command -v curl >/dev/null 2>&1; then
            curl --fail --silent --show-error --location --retry 3 --retry-max-time "$limit" --connect-timeout 20 \
                --speed-limit 1024 --speed-time "$patience" --max-time "$limit" --output "$2" -- "$1"
        elif command -v wget >/dev/null 2>&1; then
            timeout "$limit" wget -q -t 3 -T "$patience" -O "$2" -- "$1"
        else
            fail 1 'there is neither curl nor wget: copy the mirror here, and use --mirror FOLDER'
        fi
    ) || fail 1 "could not fetch $1: is the mirror up, and --mirror right? The clock of this machine says $(date)"
}

is_right() { # the agent
    actual=$(sha256sum <"$1")
    actual=${actual%% *}
    [ "$actual" = "$agent_sha256" ]
}

verify() { # the agent, before it runs
    is_right "$1" ||
        fail 3 "the agent on $mirror is not the one this script was made for: its SHA-256 is $actual, not $agent_sha256"
}

case $patience in
    '' | *[!0-9]* | 0* | ??????*) fail 2 "PNDA_PATIENCE is $patience: write a whole number of seconds, as in 30" ;;
esac

# --mirror is read here and handed on; every other argument belongs to the agent.
count=$#
while [ "$count" -gt 0 ]; do
    argument=$1
    shift
    count=$((count - 1))
    case $argument in
        --mirror)
            [ "$count" -gt 0 ] || fail 2 'say where the mirror is: --mirror URL or --mirror FOLDER'
            mirror=$1
            shift
            count=$((count - 1))
            ;;
        --mirror=*) mirror=${argument#--mirror=} ;;
        *) set -- "$@" "$argument" ;;
    esac
done

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
if [ -x "$installed" ] && is_right "$installed"; then
    exec "$installed" install --node "$here" --mirror "$mirror" "$@"
fi
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

fetch "$agent" "$work/pnda-agent"
verify "$work/pnda-agent"
chmod 0700 "$work/pnda-agent"
code=0
"$work/pnda-agent" install --node "$here" --mirror "$mirror" "$@" || code=$?
[ "$code" -ne 126 ] || fail 1 "programs cannot run in $work: name a folder where they can, as in TMPDIR=/var/tmp"
exit "$code"
