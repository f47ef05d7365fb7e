# Sourced by up.sh and down.sh, with a folder in $1: the names that both use of the cluster that belongs to it.

folder=$(realpath -m "$1")
environment=$folder/environment  # how programs come to use the cluster: NAME=VALUE, one in a line
unavailable=$folder/unavailable  # or why there is none
logs=$folder/log

# Another folder is another cluster. Its sockets want a short path: a hundred characters are all that a socket's may have.
number=$(printf %s "$folder" | cksum | cut -d ' ' -f 1)
cluster=/tmp/parrun-slurm-$number
first_port=$((18000 + number % 400 * 32))  # slurmctld's; below those that the kernel gives out itself
node_count=24    # of the partition `test`
victim_count=2   # more, of the partitions `low` and `high`: jobs of `high` preempt those of `low`
all_count=$((node_count + victim_count))

export PATH=$PATH:/usr/sbin:/sbin  # where the daemons are
export SLURM_CONF=$cluster/slurm.conf
# The daemons, and what they start of their own, have this in their environment; the users' jobs have not.
export PARRUN_TEST_CLUSTER=$cluster

# The pids of the daemons that run.
daemons() {
  local file name
  for file in $(grep -lzx "PARRUN_TEST_CLUSTER=$cluster" /proc/[0-9]*/environ 2>/dev/null); do
    name=$(cat "${file%environ}comm" 2>/dev/null) || continue
    file=${file%/environ}
    case $name in munged | slurmctld | slurmd | slurmstepd | slurmscriptd) echo "${file#/proc/}" ;; esac
  done
}

within() {  # SECONDS COMMAND...: waits for the command to succeed
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    sleep 0.2
  done
}
