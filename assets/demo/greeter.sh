#!/bin/sh
# Builds the greeter if its source is newer, and becomes it: `greeter.sh serve` or `greeter.sh visit`.
#
# The binary is replaced by rename, so that one that runs is not disturbed.
set -eu

cd "$(dirname "$0")/../.."
source=assets/demo/greeter.rs
folder=target/demo
greeter=$folder/greeter

if [ ! -x "$greeter" ] || [ -n "$(find "$source" -newer "$greeter")" ]; then
    echo "building $source"
    mkdir -p "$folder"
    fresh=$greeter.$$
    trap 'rm -f "$fresh"' EXIT
    rustc --edition 2024 -C debuginfo=0 -o "$fresh" "$source"
    mv "$fresh" "$greeter"
fi
exec "$greeter" "$@"
