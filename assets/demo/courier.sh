#!/bin/sh
# Delivers parcels until it loses one, which is after three to nine of them. What a service looks like that crashes now
# and then.
set -eu

parcels=$(($$ % 7 + 3))
echo "on the road with $parcels parcels"
parcel=1
while [ "$parcel" -le "$parcels" ]; do
    sleep 2
    printf '\033[32mdelivered\033[0m parcel %d of %d\n' "$parcel" "$parcels"
    parcel=$((parcel + 1))
done
printf '\033[31merror\033[0m: the bag has a hole\n' >&2
exit 1
