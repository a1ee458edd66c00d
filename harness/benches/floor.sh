#!/usr/bin/env bash
# The floor of the boot and teardown benchmarks: the same containers as `harness up` makes, driven by hand with the
# docker CLI. Usage: floor.sh NAME SUBNET-PREFIX BASE-IMAGE ZOOKEEPER-IMAGE MESOS-IMAGE
# Prints `boot SECONDS` and `teardown SECONDS`.
set -euo pipefail
name=$1 subnet=$2 base=$3 zookeeper=$4 mesos=$5
master=$subnet.11 agent=$subnet.101
label=org.mesos-harness.bench=$name

clean() { # everything of this run, whether it came to be or not
    docker ps -aq --filter "label=$label" | xargs -r docker rm -f -v >/dev/null
    docker network ls -q --filter "label=$label" | xargs -r docker network rm >/dev/null
    docker volume ls -q --filter "label=$label" | xargs -r docker volume rm >/dev/null
}
trap clean EXIT

answers() { # HOST PORT: a connection is accepted
    (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null
}

run() { # NAME ARGUMENT…
    local container=$1
    shift
    docker run --detach --name "$name-$container" --label "$label" "$@" >/dev/null
}

started=$(date +%s.%N)
docker network create --label "$label" --subnet "$subnet.0/24" "$name" >/dev/null
docker volume create --label "$label" "$name-work" >/dev/null &
docker volume create --label "$label" "$name-runtime" >/dev/null &
run agent-holder --hostname mesos-slave1 --network "$name" --ip "$agent" --init "$base" sleep infinity &
run master-holder --hostname mesos-master1 --network "$name" --ip "$master" --init "$base" sleep infinity
run zookeeper --network "container:$name-master-holder" --pid "container:$name-master-holder" "$zookeeper"
for _ in {1..3000}; do answers "$master" 2181 && break; read -rt 0.01 <> <(:) || true; done
run master --network "container:$name-master-holder" --pid "container:$name-master-holder" \
    --env "MESOS_ZK=zk://$master:2181/mesos" --env MESOS_QUORUM=1 --env MESOS_WORK_DIR=/var/lib/mesos \
    --env "MESOS_IP=$master" --env "MESOS_HOSTNAME=$master" --entrypoint mesos-master "$mesos" &
wait -n 2>/dev/null || true
run agent --network "container:$name-agent-holder" --pid "container:$name-agent-holder" \
    --env "MESOS_MASTER=zk://$master:2181/mesos" --env MESOS_WORK_DIR=/tmp/mesos --env MESOS_RUNTIME_DIR=/var/run/mesos \
    --env "MESOS_IP=$agent" --env "MESOS_HOSTNAME=$agent" --env MESOS_CONTAINERIZERS=mesos --env MESOS_LAUNCHER=posix \
    --env MESOS_ISOLATION=posix/cpu,posix/mem --env MESOS_SYSTEMD_ENABLE_SUPPORT=false \
    --env MESOS_REGISTRATION_BACKOFF_FACTOR=10ms --env MESOS_HARNESS_TASK_CGROUP=holder --cgroupns host \
    --env "MESOS_RESOURCES=cpus:4;mem:2929;disk:35164;ports:[31000-32000]" --volume /sys/fs/cgroup:/sys/fs/cgroup \
    --volume "$name-work:/tmp/mesos" --volume "$name-runtime:/var/run/mesos" --entrypoint mesos-agent "$mesos"
wait
registered=
for _ in {1..3000}; do
    if curl --silent --max-time 1 "http://$master:5050/slaves" | grep --quiet '"active":true'; then
        registered=yes
        break
    fi
    read -rt 0.01 <> <(:) || true
done
if [[ -z $registered ]]; then
    echo "the agent did not register" >&2
    docker logs --tail 20 "$name-agent" >&2
    exit 1
fi
booted=$(date +%s.%N)
clean
ended=$(date +%s.%N)
awk -v a="$started" -v b="$booted" -v c="$ended" 'BEGIN { printf "boot %.3f\nteardown %.3f\n", b - a, c - b }'
