# shellcheck shell=sh
# Commands that submit to YARN are found here first: they run in the queue that the caller may use.
PATH={{ at(path='/opt/pnda/rm-wrapper/bin') }}:$PATH
export PATH
