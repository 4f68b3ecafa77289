#!/usr/bin/env bash
# Switches a node on: boot.bash PLACE NAME, inside the namespaces of head.bash.
set -euo pipefail
self=$(dirname "${BASH_SOURCE[0]}")
place=$1
name=$2
{
    until ip link add "$name" type veth peer name "$name-eth"; do sleep 0.1; done # the cable of before may still be there
    ip link set "$name" master switch up
    setsid unshare --mount --uts --ipc --net --pid --fork --kill-child -- "$self/node.bash" "$place" "$name" </dev/null &
    # the node may not be there yet, and a cable that is put where it is stays there
    while ip link show "$name-eth" >/dev/null 2>&1; do ip link set "$name-eth" netns $!; done
} >>"$place/log/$name.out" 2>&1
