info = client.get_info()
told["info"] = [info.name, info.version, info.elected, info.leader, info.framework_id]
told["leader"] = client.get_leader()["leader"]
told["ping"] = client.ping().decode().strip()
told["metrics"] = sorted(client.get_metrics())

# More than there is: it waits, and so does its deployment.
big = sleeper()
big.cpus = 1000
waiting = client.create_app("/big", big).deployments[0].id
under_way = client.list_deployments()
told["deployments"] = [
    [one.id == waiting, one.affected_apps, one.current_actions[0].app, one.total_steps] for one in under_way
]
item = client.list_queue(embed_last_unused_offers=True)[0]
told["queue"] = [item.app.id, item.count, item.delay.overdue]
client.reset_delay("/big")
done(client.delete_deployment(waiting))
told["undone"] = [app.id for app in client.list_apps()]
again = client.create_app("/big", big).deployments[0].id
told["dropped"] = [client.delete_deployment(again, force=True), [app.id for app in client.list_apps()]]

url = "http://192.0.2.1:9/events"
told["subscribed"] = [client.create_event_subscription(url)["eventType"], client.list_event_subscriptions()]
told["unsubscribed"] = [client.delete_event_subscription(url)["eventType"], client.list_event_subscriptions()]
print(json.dumps(told))
