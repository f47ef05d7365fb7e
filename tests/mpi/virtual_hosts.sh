#!/usr/bin/env bash
# Hosts that mpirun can span and that can be cut off, as network namespaces of this machine. They are joined by a
# bridge in a namespace of its own: nothing of it is seen outside, and no packet leaves the machine. Needs root.
#   virtual_hosts.sh up NAME FOLDER    hosts NAME1 NAME2 NAME3; then FOLDER/mpirun ... runs on them, from NAME1
#   virtual_hosts.sh cut NAME I        the I-th one's link is down from now on
#   virtual_hosts.sh down NAME         ends what runs there, and removes them
set -euo pipefail

verb=$1 name=$2
hosts=3
switch=${name}s

up() {
  local folder=$1 i
  ip netns add "$switch"
  ip -n "$switch" link add bridge type bridge forward_delay 0
  ip -n "$switch" link set bridge up
  echo '127.0.0.1 localhost' > "$folder/hosts"
  for ((i = 1; i <= hosts; i++)); do
    ip netns add "$name$i"
    ip -n "$name$i" link set lo up
    ip -n "$name$i" link add eth0 type veth peer name "port$i" netns "$switch"
    ip -n "$name$i" addr add "10.99.0.$i/24" dev eth0
    ip -n "$name$i" link set eth0 up
    ip -n "$switch" link set "port$i" master bridge
    ip -n "$switch" link set "port$i" up
    echo "10.99.0.$i $name$i" >> "$folder/hosts"
    echo "$name$i slots=4" >> "$folder/hostfile"
  done
  write_programs "$folder"
}

write_programs() {
  local folder=$1
  # HOST COMMAND...: on that host, which shares no memory and no names with the others.
  cat > "$folder/on" << END
#!/bin/sh
host=\$1; shift
exec ip netns exec "\$host" unshare --uts --ipc --mount --propagation private sh -c '
  hostname "\$0" && mount --bind "$folder/hosts" /etc/hosts && mount -t tmpfs -o mode=1777 shm /dev/shm && exec "\$@"' "\$host" "\$@"
END
  # In the place of ssh: [OPTIONS] HOST COMMAND-LINE
  cat > "$folder/agent" << END
#!/bin/sh
while [ "\${1#-}" != "\$1" ]; do shift; done
host=\$1; shift
exec "$folder/on" "\$host" sh -c "\$*"
END
  cat > "$folder/mpirun" << END
#!/bin/sh
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_plm=rsh OMPI_MCA_plm_rsh_agent="$folder/agent" OMPI_MCA_plm_rsh_no_tree_spawn=1
export OMPI_MCA_oob_tcp_if_include=eth0 OMPI_MCA_btl_tcp_if_include=eth0
export OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_mpi_yield_when_idle=1
exec "$folder/on" ${name}1 mpirun --hostfile "$folder/hostfile" --map-by node "\$@"
END
  chmod +x "$folder"/{on,agent,mpirun}
}

cut_off() { ip -n "$switch" link set "port$1" down; }

down() {
  local host pids
  for host in $(ip netns list | awk '{print $1}' | grep -E "^$name([0-9]+|s)\$" || true); do
    pids=$(ip netns pids "$host")
    [[ -z $pids ]] || kill -KILL $pids 2> /dev/null || true
    ip netns del "$host"
  done
}

case $verb in
  up) up "$3" ;;
  cut) cut_off "$3" ;;
  down) down ;;
  *) exit 2 ;;
esac
