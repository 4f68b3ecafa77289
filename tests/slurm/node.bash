#!/usr/bin/env bash
# The first process of a node: node.bash PLACE NAME.  Killing it is a power loss: all that runs on the node ends at once.
set -euo pipefail
place=$1
name=$2
hostname "$name"
mount --make-rprivate /
mount -t proc proc /proc
# mpi/pmix keeps a folder for each step here, and must not meet that of another node
mount -t tmpfs -o mode=1777,size=1g tmpfs "$place/tmp"
mount -t tmpfs -o mode=1777,size=1g tmpfs /dev/shm
until ip link set "$name-eth" name eth0 2>/dev/null; do sleep 0.05; done # until it is plugged in
ip link set lo up
ip address add "$(awk -v name="$name" '$2 == name { print $1 }' "$place/hosts")/16" dev eth0
ip link set eth0 up
slurmd -D -N "$name" &
sleep infinity &
while :; do wait -n || true; done # reaps orphans, too
