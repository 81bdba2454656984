#!/bin/sh
# Says whether everything is here that the group needs. Ends with 0 if it is.
set -eu

status=0
for tool in cargo rustc; do
    if version=$("$tool" --version 2>/dev/null); then
        printf '%-8s %s\n' "$tool" "$version"
    else
        printf '%-8s \033[31mmissing\033[0m: see https://rustup.rs\n' "$tool"
        status=1
    fi
done
exit "$status"
