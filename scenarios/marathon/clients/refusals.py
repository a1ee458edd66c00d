def refused(call, *arguments, **more):
    """The class that the client has for a refusal, its status and the message."""
    try:
        call(*arguments, **more)
    except MarathonHttpError as error:
        return [type(error).__name__, error.status_code, error.error_message, error.error_details]
    return "accepted"


big = sleeper()
big.cpus = 1000
client.create_app("/big", big)
told["unknown"] = refused(client.get_app, "/nothing")
told["taken"] = refused(client.create_app, "/big", sleeper())
told["locked"] = refused(client.scale_app, "/big", instances=2)[:2]
told["forced"] = refused(client.scale_app, "/big", instances=2, force=True)
told["wrong"] = refused(client.create_app, "/a", MarathonApp(cmd="sleep 1000", args=["sleep"]))
told["shape"] = refused(client.create_app, "/a", MarathonApp(cmd="sleep 1000", cpus="many"))
print(json.dumps(told))
