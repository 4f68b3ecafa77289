#!/usr/bin/env bash
# The first process of the namespaces that cluster.py makes: starts the daemons of a Slurm cluster and one set of
# namespaces for each node.  It ends when its stdin does, and all that runs inside ends with it, since it is pid 1.
set -euo pipefail
place=$1 # the folder with all files of the cluster
count=$2
self=$(dirname "${BASH_SOURCE[0]}")

hostname head
# A network of its own, so that no port is taken or seen.  Programs that ask for addresses of a kind that this machine
# has do not count 127.0.0.0/8.
ip link set lo up
ip address add 10.0.0.1/32 dev lo
mount -t proc proc /proc
mount --bind "$place/hosts" /etc/hosts
# Open MPI leaves out this network unless told otherwise
parameters=/etc/openmpi/openmpi-mca-params.conf
[ ! -e "$parameters" ] || mount --bind "$place/openmpi.conf" "$parameters"

munged --foreground --force --key-file="$place/munge.key" --socket="$place/munge.sock" --pid-file="$place/munged.pid" \
    --log-file="$place/log/munged" --seed-file="$place/munge.seed" --num-threads=4 </dev/null >"$place/log/munged.out" 2>&1 &
until munge --socket="$place/munge.sock" --no-input >/dev/null 2>&1; do sleep 0.05; done

slurmctld -D </dev/null >"$place/log/slurmctld.out" 2>&1 &
for ((number = 1; number <= count; number++)); do
    printf -v name 'node%03d' "$number"
    "$self/boot.bash" "$place" "$name"
done
while read -r _; do :; done # until the one who holds the other end has gone
kill -KILL -1               # all but itself
rm -rf --one-file-system "$place"
