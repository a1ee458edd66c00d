//! Documents in the shape that Mesos 1.11 writes, cut down.

pub(super) const MASTER_STATE: &str = r#"{
  "version": "1.11.0", "git_sha": "9f69", "build_date": "2020-11-20", "start_time": 1.5, "elected_time": 2.5,
  "id": "m", "pid": "master@10.1.2.11:5050", "hostname": "10.1.2.11", "capabilities": ["AGENT_UPDATE"],
  "activated_slaves": 1.0, "deactivated_slaves": 0.0, "unreachable_slaves": 0.0, "leader": "master@10.1.2.11:5050",
  "leader_info": {"id": "m", "pid": "master@10.1.2.11:5050", "port": 5050, "hostname": "10.1.2.11"},
  "flags": {"quorum": "1"},
  "slaves": [{
    "id": "m-S0", "hostname": "10.1.2.101", "port": 5051, "attributes": {"rack": "a", "size": 3.0},
    "pid": "slave(1)@10.1.2.101:5051", "registered_time": 3.5,
    "resources": {"disk": 35164.0, "mem": 2929.0, "gpus": 0.0, "cpus": 4.0, "ports": "[31000-32000]"},
    "used_resources": {"disk": 0.0, "mem": 32.0, "gpus": 0.0, "cpus": 0.1},
    "offered_resources": {"disk": 0.0, "mem": 0.0, "gpus": 0.0, "cpus": 0.0},
    "reserved_resources": {},
    "unreserved_resources": {"disk": 35164.0, "mem": 2929.0, "gpus": 0.0, "cpus": 4.0, "ports": "[31000-32000]"},
    "active": true, "deactivated": false, "version": "1.11.0", "capabilities": ["MULTI_ROLE"]
  }],
  "recovered_slaves": [],
  "frameworks": [{
    "id": "m-0000", "name": "f", "user": "root", "active": true, "connected": true, "recovered": false,
    "capabilities": ["MULTI_ROLE"], "roles": ["*"], "checkpoint": false, "failover_timeout": 0.0,
    "hostname": "", "webui_url": "",
    "used_resources": {"disk": 0.0, "mem": 32.0, "gpus": 0.0, "cpus": 0.1},
    "offered_resources": {"disk": 0.0, "mem": 0.0, "gpus": 0.0, "cpus": 0.0},
    "tasks": [{
      "id": "running", "name": "t", "framework_id": "m-0000", "executor_id": "", "slave_id": "m-S0",
      "state": "TASK_RUNNING", "resources": {"disk": 0.0, "mem": 32.0, "gpus": 0.0, "cpus": 0.1}, "role": "*",
      "statuses": [{"state": "TASK_RUNNING", "timestamp": 4.5,
                    "container_status": {"container_id": {"value": "c-1"}, "executor_pid": 71}}]
    }],
    "unreachable_tasks": [], "completed_tasks": [], "offers": [], "executors": []
  }],
  "completed_frameworks": [], "orphan_tasks": [], "unregistered_frameworks": []
}"#;

pub(super) const AGENT_STATE: &str = r#"{
  "version": "1.11.0", "start_time": 1.5, "id": "m-S0", "pid": "slave(1)@10.1.2.101:5051", "hostname": "10.1.2.101",
  "master_hostname": "10.1.2.11", "attributes": {},
  "resources": {"disk": 35164.0, "mem": 2929.0, "gpus": 0.0, "cpus": 4.0, "ports": "[31000-32000]"},
  "flags": {"work_dir": "/work"},
  "frameworks": [{
    "id": "m-0000", "name": "f",
    "executors": [
      {"id": "running", "name": "", "container": "c-1",
       "directory": "/work/slaves/m-S0/frameworks/m-0000/executors/running/runs/run-1",
       "tasks": [{"id": "running", "name": "t", "framework_id": "m-0000", "executor_id": "", "slave_id": "m-S0",
                  "state": "TASK_RUNNING", "resources": {"cpus": 0.1, "mem": 32.0}, "statuses": []}],
       "queued_tasks": [], "completed_tasks": []},
      {"id": "shared", "name": "", "container": "c-2",
       "directory": "/work/slaves/m-S0/frameworks/m-0000/executors/shared/runs/run-2",
       "tasks": [], "queued_tasks": [{"id": "waiting", "name": "t", "slave_id": "m-S0",
                                      "resources": {"cpus": 0.1}, "role": "*"}], "completed_tasks": []}
    ],
    "completed_executors": [
      {"id": "other", "name": "", "container": "c-3",
       "directory": "/work/slaves/m-S0/frameworks/m-0000/executors/other/runs/run-3",
       "tasks": [], "queued_tasks": [],
       "completed_tasks": [{"id": "done", "name": "t", "framework_id": "m-0000", "slave_id": "m-S0",
                            "state": "TASK_FINISHED", "resources": {"cpus": 0.1}}]}
    ]
  }],
  "completed_frameworks": [{
    "id": "m-0000", "name": "f", "executors": [],
    "completed_executors": [
      {"id": "gone", "name": "", "container": "c-4",
       "directory": "/work/slaves/m-S0/frameworks/m-0000/executors/gone/runs/run-4"}
    ]
  }]
}"#;

pub(super) const CONTAINERS: &str = r#"[{
  "container_id": "c-1", "executor_id": "running", "executor_name": "", "framework_id": "m-0000", "source": "running",
  "status": {"container_id": {"value": "c-1"}, "executor_pid": 71,
             "network_infos": [{"ip_addresses": [{"protocol": "IPv4", "ip_address": "10.1.2.101"}]}]},
  "statistics": {"cpus_limit": 0.2, "mem_rss_bytes": 4096, "timestamp": 5.5}
}]"#;
