#!/usr/bin/env bash
# The floor of the boot and teardown benchmarks: the same containers, volumes and settings as `harness up` makes,
# driven by hand with the docker CLI, as fast as a person can who knows what waits for what: everything is created while
# ZooKeeper starts, and Mesos is started when ZooKeeper serves.
# Usage: floor.sh NAME SUBNET-PREFIX AGENTS BASE-IMAGE ZOOKEEPER-IMAGE MESOS-IMAGE [LABEL…]
# Prints `boot SECONDS` and `teardown SECONDS`.
set -euo pipefail
name=$1 subnet=$2 agents=$3 base=$4 zookeeper=$5 mesos=$6
shift 6
labels=("${@/#/--label=}")
master=$subnet.11
ensemble=zk://$master:2181/mesos
containers=("$name"-{master,zookeeper,master-holder})
volumes=() agent_containers=()
for ((number = 1; number <= agents; number++)); do
    agent_containers+=("$name-agent$number")
    containers+=("$name-agent$number" "$name-agent$number-holder")
    volumes+=("$name"-{work,runtime}"$number")
done

clean() { # after a failure: whatever came to be
    docker rm --force --volumes "${containers[@]}"
    docker network rm "$name"
    docker volume rm --force "${volumes[@]}"
} >/dev/null 2>&1

# A pause that forks nothing: the two ends of one pipe, which nobody writes to.
exec {silence}<> <(:)
pause() { read -rt 0.01 -u "$silence" || true; }

serves() { # `srvr` names a mode only when ZooKeeper takes sessions; its port accepts connections earlier
    local line
    {
        exec 3<>"/dev/tcp/$master/2181" || return 1
        printf srvr >&3
        # A server that starts may not close the connection after it said that it does not serve.
        while read -rt 1 line <&3; do [[ $line == Mode:* || $line == *'not currently serving'* ]] && break; done
        exec 3>&-
    } 2>/dev/null
    [[ $line == Mode:* ]]
}

registered() {
    local active
    active=$(curl --silent --max-time 1 "http://$master:5050/slaves" | grep -o '"active":true' | wc -l) || return 1
    ((active == agents))
}

within() { # SECONDS COMMAND: fails with the end of every log when the time is over
    local deadline=$((SECONDS + $1))
    until "$2"; do
        if ((SECONDS >= deadline)); then
            echo "$2: not within $1 s" >&2
            for part in zookeeper master agent1; do docker logs --tail 10 "$name-$part" >&2 || true; done
            exit 1
        fi
        pause
    done
}

make() { # VERB PART ARGUMENT…
    local verb=$1 part=$2
    shift 2
    docker "$verb" --name "$name-$part" "${labels[@]}" "$@" >/dev/null
}

holder() { # PART HOSTNAME ADDRESS
    make run "$1" --detach --hostname "$2" --network "$name" --ip "$3" --network-alias "$2" --init \
        "${hosts[@]}" "$base" sleep infinity
}

hosts=(--add-host "mesos-master1:$master")
for number in {1..5}; do hosts+=(--add-host "mesos-slave$number:$subnet.10$number"); done
at_master=(--network "container:$name-master-holder" --pid "container:$name-master-holder")

on_master() {
    holder master-holder mesos-master1 "$master"
    make run zookeeper --detach "${at_master[@]}" --env ZOO_MY_ID=1 "$zookeeper"
    make create master "${at_master[@]}" --env "MESOS_ZK=$ensemble" --env MESOS_QUORUM=1 \
        --env MESOS_WORK_DIR=/var/lib/mesos --env "MESOS_IP=$master" --env "MESOS_HOSTNAME=$master" \
        --env MESOS_PORT=5050 --env "MESOS_CLUSTER=$name" --entrypoint mesos-master "$mesos"
}

on_agent() { # NUMBER
    local number=$1 agent=$subnet.10$1 part=agent$1
    docker volume create "${labels[@]}" "$name-work$number" >/dev/null
    docker volume create "${labels[@]}" "$name-runtime$number" >/dev/null
    holder "$part-holder" "mesos-slave$number" "$agent"
    make create "$part" --network "container:$name-$part-holder" --pid "container:$name-$part-holder" \
        --env "MESOS_MASTER=$ensemble" --env MESOS_WORK_DIR=/tmp/mesos \
        --env MESOS_RUNTIME_DIR=/var/run/mesos --env "MESOS_IP=$agent" --env "MESOS_HOSTNAME=$agent" \
        --env MESOS_PORT=5051 --env "MESOS_RESOURCES=cpus:4;mem:2929;disk:35164;ports:[31000-32000]" \
        --env MESOS_CONTAINERIZERS=mesos --env MESOS_LAUNCHER=posix --env MESOS_ISOLATION=posix/cpu,posix/mem \
        --env MESOS_SYSTEMD_ENABLE_SUPPORT=false --env MESOS_EXECUTOR_REGISTRATION_TIMEOUT=5mins \
        --env MESOS_REGISTRATION_BACKOFF_FACTOR=10ms --env MESOS_HARNESS_TASK_CGROUP=holder --cgroupns host \
        --volume "$name-work$number:/tmp/mesos" --volume "$name-runtime$number:/var/run/mesos" \
        --volume /sys/fs/cgroup:/sys/fs/cgroup --entrypoint mesos-agent "$mesos"
}

await_all() { # PROCESS…: fails as the first of them that does
    local process
    for process; do wait "$process"; done
}

trap clean EXIT
started=$EPOCHREALTIME
docker network create "${labels[@]}" --subnet "$subnet.0/24" "$name" >/dev/null
making=()
for ((number = 1; number <= agents; number++)); do
    on_agent "$number" &
    making+=($!)
done
on_master
await_all "${making[@]}"
within 40 serves
docker start "$name-master" >/dev/null &
docker start "${agent_containers[@]}" >/dev/null
wait $!
within 40 registered
booted=$EPOCHREALTIME
docker rm --force --volumes "${containers[@]}" >/dev/null
docker network rm "$name" >/dev/null &
docker volume rm "${volumes[@]}" >/dev/null
wait $!
trap - EXIT
ended=$EPOCHREALTIME
awk -v a="$started" -v b="$booted" -v c="$ended" 'BEGIN { printf "boot %.3f\nteardown %.3f\n", b - a, c - b }'
