check = MarathonHealthCheck(protocol="COMMAND", command="true", interval_seconds=1, grace_period_seconds=60)
web = sleeper(
    labels={"tier": "front"}, constraints=[MarathonConstraint("hostname", "LIKE", ".*")], health_checks=[check]
)
created = client.create_app("/shop/web", web)
told["created"] = [created.id, created.instances, created.labels]
told["events"] = succeeded(created.deployments[0].id)
whole = dict.fromkeys(
    ["embed_tasks", "embed_counts", "embed_deployments", "embed_readiness", "embed_last_task_failure", "embed_task_stats"],
    True,
)
found = client.get_app("/shop/web", **whole)
told["runs"] = [found.tasks_running, found.tasks_healthy, len(found.tasks), found.constraints[0].operator]
told["listed"] = [app.id for app in client.list_apps(label="tier==front", cmd="sleep", **whole)]
told["not_listed"] = [app.id for app in client.list_apps(label="tier!=front", **whole)]

done(client.scale_app("/shop/web", instances=3))
done(client.scale_app("/shop/web", delta=-1))
told["scaled"] = [len(client.list_tasks("/shop/web")), len(client.list_endpoints())]

changed = client.get_app("/shop/web")
changed.cmd = "sleep 2000"
done(client.update_app("/shop/web", changed))
told["updated"] = client.get_app("/shop/web").cmd
before = {task.id for task in client.list_tasks()}
done(client.restart_app("/shop/web"))
after = {task.id for task in client.list_tasks()}
told["restarted"] = [len(after), len(before & after)]

versions = client.list_versions("/shop/web")
told["first"] = client.get_version("/shop/web", versions[-1]).cmd
done(client.rollback_app("/shop/web", versions[-2]))
told["rolled_back"] = client.get_app("/shop/web").cmd

victim = client.list_tasks("/shop/web")[0].id
done(client.kill_task("/shop/web", victim, scale=True))
told["killed"] = [client.get_app("/shop/web").instances, victim in {task.id for task in client.list_tasks()}]
done(client.update_apps([MarathonApp(id="/shop/web", instances=0), sleeper("/shop/db")]))
told["both"] = sorted([app.id, app.tasks_running] for app in client.list_apps())
ended = client.kill_tasks("/shop/db")
told["ended"] = [task.app_id for task in ended]
done(client.delete_app("/shop/db", force=True))
done(client.delete_app("/shop/web"))
told["left"] = [len(client.list_apps()), len(client.list_tasks())]
print(json.dumps(told))
