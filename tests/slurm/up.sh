#!/usr/bin/env bash
# Brings up a SLURM of virtual nodes on this one machine, on its loopback interface alone: without systemd, cgroups or a
# database, and beside any SLURM that the machine may have.
#   up.sh FOLDER    writes FOLDER/environment; or, where SLURM cannot be had here, FOLDER/unavailable: why, in a line
set -euo pipefail

here=$(dirname "${BASH_SOURCE[0]}")
source "$here/cluster.sh"
bash "$here/down.sh" "$1" >/dev/null

not_here() {
  echo "$*" >"$unavailable"
  bash "$here/down.sh" "$folder" >/dev/null || true
  echo "no SLURM here: $*"
  exit 0
}

rm -rf "$folder"
mkdir -p "$logs" "$cluster"/{state,spool,tmp}
chmod 755 "$cluster"

((EUID == 0)) || not_here "its nodes need root"
# A host name and a /dev/shm of its own for each node: Open MPI's shared memory of two nodes would collide.
unshare --uts --mount sh -c 'hostname probe && mount -t tmpfs shm /dev/shm' 2>"$logs/unshare.log" ||
  not_here "unshare cannot give a node its own host name and /dev/shm"

# Debian starts a daemon that it installs, unless a policy forbids it.
install() {
  local policy=/usr/sbin/policy-rc.d made=no status=0
  if [[ ! -e $policy ]]; then
    made=yes
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
  fi
  bash "$here/../../cmake/install-dependencies.sh" --slurm >"$logs/install.log" 2>&1 || status=$?
  [[ $made == no ]] || rm -f "$policy"
  return "$status"
}
install || not_here "its packages cannot be installed: $(tail -n 1 "$logs/install.log")"

dd if=/dev/urandom of="$cluster/munge.key" bs=1024 count=1 status=none
chmod 600 "$cluster/munge.key"
: >"$cluster/plugstack.conf"  # none of the machine's own plugins

ports=$((first_port + 1))-$((first_port + all_count))
cat >"$SLURM_CONF" <<END
ClusterName=virtual
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$first_port
SlurmUser=root
SlurmdUser=root
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthType=auth/munge
AuthInfo=socket=$cluster/munge.sock
CredType=cred/munge

# %n: the node's name.
StateSaveLocation=$cluster/state
SlurmdSpoolDir=$cluster/spool/%n
TmpFS=$cluster/tmp/%n
SlurmctldPidFile=$cluster/slurmctld.pid
SlurmdPidFile=$cluster/slurmd.%n.pid
SlurmctldLogFile=$logs/slurmctld.log
SlurmdLogFile=$logs/slurmd.%n.log

ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=pmix
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core

# A job that has ended is told of as long as the tests may take; what waits is looked at every other second.
MinJobAge=7200
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
KillWait=10
ReturnToService=1
SlurmdTimeout=120
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=CANCEL

NodeName=node[1-$all_count] NodeHostname=node[1-$all_count] NodeAddr=127.0.0.1 Port=[$ports] CPUs=4 RealMemory=4096
PartitionName=test Nodes=node[1-$node_count] Default=YES DefaultTime=10 MaxTime=60 PreemptMode=OFF
PartitionName=low Nodes=node[$((node_count + 1))-$all_count] DefaultTime=10 PriorityTier=1 PreemptMode=CANCEL GraceTime=10
PartitionName=high Nodes=node[$((node_count + 1))-$all_count] DefaultTime=10 PriorityTier=2 PreemptMode=OFF
END

start() {  # NAME COMMAND...
  setsid "${@:2}" </dev/null >>"$logs/$1.out" 2>&1 &
}

start munged munged --foreground --key-file="$cluster/munge.key" --socket="$cluster/munge.sock" \
  --pid-file="$cluster/munged.pid" --seed-file="$cluster/munged.seed"
authenticates() { munge -S "$cluster/munge.sock" -n >/dev/null 2>&1; }
within 10 authenticates || not_here "munged does not come up: $(tail -n 1 "$logs/munged.out")"

start slurmctld slurmctld -D -f "$SLURM_CONF"
for ((i = 1; i <= all_count; i++)); do
  node=node$i
  mkdir -p "$cluster/tmp/$node"
  # Slurmd and srun bind to what their host's name means.
  printf '127.0.0.1 localhost\n127.0.0.1 %s\n' "$node" >"$cluster/hosts.$node"
  start "slurmd.$node" unshare --uts --mount --propagation private sh -c '
    hostname "$0" && mount --bind "$1" /etc/hosts && mount -t tmpfs -o mode=1777,size=1g shm /dev/shm &&
    exec slurmd -D -N "$0" -f "$2"' "$node" "$cluster/hosts.$node" "$SLURM_CONF"
done

all_idle() { [[ $(timeout 5 sinfo -h -N -p test,low -t idle -o %N 2>/dev/null | sort -u | wc -l) == "$all_count" ]]; }
within 60 all_idle || not_here "its nodes do not come up: $(tail -n 1 "$logs/slurmctld.log")"

# Open MPI leaves out the loopback interface by default, and here is no other. Every node's first rank would be bound to
# the same core, and ranks that wait would spin on it.
cat >"$environment" <<END
SLURM_CONF=$SLURM_CONF
OMPI_ALLOW_RUN_AS_ROOT=1
OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
OMPI_MCA_btl_tcp_if_include=lo
OMPI_MCA_oob_tcp_if_include=lo
OMPI_MCA_hwloc_base_binding_policy=none
OMPI_MCA_mpi_yield_when_idle=1
SLURM_PMIX_FENCE=ring
END
echo "SLURM is up: $all_count nodes"
