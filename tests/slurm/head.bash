#!/usr/bin/env bash
# The first process of the namespaces that cluster.py makes: starts the daemons of a Slurm cluster and switches its nodes
# on.  It ends when its stdin does, and all that runs inside ends with it, since it is pid 1.
set -euo pipefail
place=$1 # the folder with all files of the cluster
count=$2
self=$(dirname "${BASH_SOURCE[0]}")

hostname head
mount -t proc proc /proc
mount --bind "$place/hosts" /etc/hosts

# a network of its own: a switch, into which each node puts a cable
ip link set lo up
ip link add switch type bridge
ip address add 10.0.0.1/16 dev switch
ip link set switch up

munged --foreground --force --key-file="$place/munge.key" --socket="$place/munge.sock" --pid-file="$place/munged.pid" \
    --log-file="$place/log/munged" --seed-file="$place/munge.seed" --num-threads=4 </dev/null >"$place/log/munged.out" 2>&1 &
until munge --socket="$place/munge.sock" --no-input >/dev/null 2>&1; do sleep 0.05; done

if [ -e "$place/slurmdbd.conf" ]; then
    mkdir "$place/db"
    mariadb-install-db --no-defaults --user=root --datadir="$place/db" --skip-test-db \
        --auth-root-authentication-method=socket </dev/null >"$place/log/mariadb-install.out" 2>&1
    mariadbd --no-defaults --user=root --datadir="$place/db" --socket="$place/db.sock" --pid-file="$place/db.pid" \
        --bind-address=127.0.0.1 --innodb-buffer-pool-size=64M --innodb-lock-wait-timeout=900 --skip-log-bin \
        --innodb-flush-log-at-trx-commit=0 </dev/null >"$place/log/mariadbd.out" 2>&1 &
    until mariadb --no-defaults --socket="$place/db.sock" -e 'select 1' </dev/null >/dev/null 2>&1; do sleep 0.1; done
    mariadb --no-defaults --socket="$place/db.sock" \
        -e "CREATE USER slurm@127.0.0.1 IDENTIFIED BY 'tests'; GRANT ALL ON slurm.* TO slurm@127.0.0.1" </dev/null
    slurmdbd -D </dev/null >"$place/log/slurmdbd.out" 2>&1 &
    until sacctmgr -iQ add cluster tests </dev/null >/dev/null 2>&1; do sleep 0.2; done
fi
slurmctld -D </dev/null >"$place/log/slurmctld.out" 2>&1 &
for ((number = 1; number <= count; number++)); do
    printf -v name 'node%03d' "$number"
    "$self/boot.bash" "$place" "$name" </dev/null &
done
while read -r _; do :; done # until the one who holds the other end has gone
kill -KILL -1               # all but itself
rm -rf --one-file-system "$place"
