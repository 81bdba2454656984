#!/bin/sh
# Stands in for an agent. The first word of the task says what it does; nothing here is left to chance:
#   fail …       fails at each try
#   flaky N …    fails at its first N tries
#   slow N …     takes N seconds
#   hang …       never ends, and takes no notice of TERM
#   all else     ends well at once
# With -f, a `*` in a task is not made into names of files.
set -euf
# shellcheck disable=SC2086 # into words
set -- ${1-}

case ${1-} in
fail)
    echo "cannot do this: $*" >&2
    exit 1
    ;;
flaky)
    if [ "${TASK_TRY:-1}" -le "${2:-1}" ]; then
        echo "not at try ${TASK_TRY:-1}" >&2
        exit 1
    fi
    ;;
slow)
    sleep "${2:-2}"
    ;;
hang)
    trap '' TERM
    while :; do sleep 1; done
    ;;
esac
echo "done: $*"
