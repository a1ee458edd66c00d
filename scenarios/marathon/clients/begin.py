"""What each of these programs begins with: the PyPI client of the Marathon at the URL that is the first argument."""
import json
import sys

from marathon import MarathonClient
from marathon.exceptions import ConflictError, MarathonHttpError, NotFoundError
from marathon.models import MarathonApp, MarathonConstraint, MarathonGroup, MarathonHealthCheck

client = MarathonClient(sys.argv[1])
events = client.event_stream()
# It tells of the stream itself: from now on nothing is missed.
next(events)
# What the client understood: the last line that the program prints.
told = {}


def succeeded(id):
    """Reads events until the deployment has succeeded. Their types."""
    kinds = []
    for event in events:
        kinds.append(event.event_type)
        if event.event_type == "deployment_success" and event.id == id:
            return kinds
    sys.exit("the stream of events ended")


def done(answer):
    """Waits for the deployment that the answer to a change names."""
    return succeeded(answer["deploymentId"])


def sleeper(id=None, **more):
    return MarathonApp(id=id, cmd="sleep 1000", cpus=0.1, mem=32, instances=1, **more)
