#!/usr/bin/env bash
# Switches a node on: boot.bash PLACE NAME, inside the namespaces of head.bash.
set -euo pipefail
self=$(dirname "${BASH_SOURCE[0]}")
setsid unshare --mount --uts --ipc --pid --fork --kill-child -- "$self/node.bash" "$@" \
    </dev/null >>"$1/log/$2.out" 2>&1 &
