shop = MarathonGroup(
    id="/shop",
    apps=[sleeper("web", dependencies=["/shop/db/main"])],
    groups=[MarathonGroup(id="db", apps=[sleeper("main")])],
)
first = client.create_group(shop)
told["events"] = done(first)
told["listed"] = [group.id for group in client.list_groups()]
found = client.get_group("/shop")
told["found"] = [found.apps[0].id, found.apps[0].dependencies, found.groups[0].apps[0].id]

done(client.scale_group("/shop", 2))
told["scaled"] = sorted([app.id, app.tasks_running] for app in client.list_apps())

changed = client.get_group("/shop")
changed.apps[0].cmd = "sleep 2000"
done(client.update_group("/shop", changed))
told["updated"] = sorted([app.id, app.cmd] for app in client.list_apps())

done(client.delete_group("/shop"))
told["left"] = [len(client.list_groups()), len(client.list_tasks())]
print(json.dumps(told))
