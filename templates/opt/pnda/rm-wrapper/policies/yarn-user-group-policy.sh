#!/bin/sh
# PNDA's name for `pnda-agent queue`. Argument: the queue that is asked for, if one is.
# Exit codes: 0 printed; 1 there is no map; 2 no rule fits the caller; 3 none of the caller's queues is the one asked for.
exec {{ at(path='/opt/pnda/agent/pnda-agent') | sh }} queue --map={{ at(path='/opt/pnda/rm-wrapper/policies/map.txt') | sh }} --requested="${1:-}"
