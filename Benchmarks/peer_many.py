"""Many applications on one machine: the lanes and the measure of `peers` for that."""

import concurrent.futures
import os
import shutil
import time

from peer_measures import under_load
from peer_stacks import APPLICATIONS, SETTINGS, ApachePassenger, EmperorBehindNginx, FlyingPassenger
from stacks import Ours, give, memory_kilobytes, wait_until

HOSTS = """
local requests, turn = {}, 0
function init() for number = 1, %d do requests[number] = wrk.format("GET", "/", {Host = "a" .. number .. ".localhost"}) end end
function request() turn = turn %% #requests + 1 return requests[turn] end
"""


class Many:
    """A lane with many copies of the application, each at a host name of its own."""

    section, count = "many", 0

    def launch(self):
        self.names = [f"a{number}" for number in range(1, self.count + 1)]
        for name in self.names:
            directory = os.path.join(self.place, name)
            shutil.copytree(APPLICATIONS[self.language], directory)
            give(directory, "nobody")
        self.launch_all()

    def answers(self):
        return self.answers_as("a1")

    def answers_as(self, name):
        return self.fetch("/", f"{name}.localhost") == b"hello world\n"

    def wait_for(self, name):
        wait_until(lambda: self.answers_as(name), f"an answer of {name} through {self.title}", 120, pause=0.05)


class ManyOurs(Many, FlyingPassenger):
    def launch_all(self):
        servers = "\n".join(
            f" server {{ listen 127.0.0.1:{self.port}; server_name {name}.localhost; root {self.place}/{name}/public;"
            " passenger_enabled on; }"
            for name in self.names
        )
        http = f"{SETTINGS} passenger_python /usr/bin/python3; passenger_max_instances 1;"
        Ours.launch(self, self.bin_dir, servers, self.threads, [f"--max-pool-size={self.count}"], http)


class ManyApache(Many, ApachePassenger):
    def launch_all(self):
        hosts = "\n".join(
            f"<VirtualHost 127.0.0.1:{self.port}>\nServerName {name}.localhost\nDocumentRoot {self.place}/{name}/public\n"
            "</VirtualHost>"
            for name in self.names
        )
        self.start_apache(f"PassengerMaxInstancesPerApp 1\n{hosts}", self.count, 1)


class ManyVassals(Many, EmperorBehindNginx):
    def launch_all(self):
        sockets = os.path.join(self.place, "sockets")
        os.mkdir(sockets)
        give(sockets, "nobody")
        self.start_emperor(
            {name: f"socket = {sockets}/{name}.localhost\nchmod-socket = 666" for name in self.names}, processes=1,
        )
        self.front_of_vassals(f"{sockets}/$host")


MANY = (ManyOurs, ManyApache, ManyVassals)


def many(lane, options):
    """Starts everything, asks each application once, then one of them and all of them under load."""
    lane.count, name = options.many, f"{options.many} applications"
    began = time.monotonic()
    lane.begin()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lane.wait_for, lane.names))
    seconds = time.monotonic() - began
    lane.settle()
    layer, application = lane.processes()
    figures = {
        f"{name}: started, s": seconds, f"{name}: layer, MiB": memory_kilobytes(layer) / 1024,
        f"{name}: app, MiB": memory_kilobytes(application) / 1024,
    }
    for case, count in ((f"one of {name}", 1), (name, options.many)):
        script = os.path.join(lane.place, f"{count}.lua")
        with open(script, "w") as file:
            file.write(HOSTS % count)
        under_load(lane, case, 32, 1, script=script)
        figures |= under_load(lane, case, 32, options.seconds, script=script)
    lane.stop()
    return figures
