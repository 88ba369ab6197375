"""What the benchmarks share: programs that are started for a run and ended with it, and facts about processes."""

import glob
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILT = os.path.join(HERE, "..", ".build", "release")
PROGRAMS = ("flying-passenger", "front-proxy", "flying-passenger-exec")


def built_programs(directory):
    """The directory of our programs, as an absolute path; ends with a message when one of them is not there."""
    path = os.path.realpath(directory)
    missing = [name for name in PROGRAMS if not os.access(os.path.join(path, name), os.X_OK)]
    if missing:
        raise SystemExit(f"bench: no {', '.join(missing)} in {path}; run 'make build', or name another --bin-dir")
    return path


def needed(*names):
    """Ends with a message when a program of the machine is not there."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    missing = [name for name in names if not shutil.which(name, path=path)]
    if missing:
        raise SystemExit(f"bench: {', '.join(missing)} is not installed; 'scripts/install-packages bench' brings it")


def make_place():
    """A directory that every user may enter."""
    place = tempfile.mkdtemp(prefix="fp-bench.", dir="/tmp")
    os.chmod(place, 0o755)
    return place


def give(path, user):
    """Changes the owner of a path and of everything below it; root only."""
    if os.geteuid() == 0:
        owner = pwd.getpwnam(user)
        for name in [path, *glob.glob(f"{path}/**", recursive=True)]:
            os.chown(name, owner.pw_uid, owner.pw_gid)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, what, seconds=20, programs=()):
    """Waits for a condition; ends with a message when it does not come, or when one of the programs ends first."""
    end = time.monotonic() + seconds
    while not condition():
        for program in programs:
            if program.poll() is not None:
                raise SystemExit(f"bench: {program.args[0]} ended with {program.returncode}:\n{last_lines(program.log)}")
        if time.monotonic() > end:
            logs = "".join(f"\n{program.args[0]}:\n{last_lines(program.log)}" for program in programs)
            raise SystemExit(f"bench: waited {seconds} s in vain for {what}{logs}")
        time.sleep(0.02)


def last_lines(paths):
    lines = []
    for path in paths:
        if os.path.exists(path):
            with open(path, errors="replace") as file:
                lines += file.readlines()[-10:]
    return "".join(lines).rstrip() or "(it logged nothing)"


def process_tree(pid):
    """The process and all its descendants."""
    found, queue = [], [pid]
    while queue:
        current = queue.pop()
        found.append(current)
        for path in glob.glob(f"/proc/{current}/task/*/children"):
            try:
                with open(path) as file:
                    queue += [int(child) for child in file.read().split()]
            except OSError:
                pass
    return found


def cpu_nanoseconds(pids):
    total = 0
    for pid in pids:
        for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
            try:
                with open(path) as file:
                    total += int(file.read().split()[0])
            except OSError:
                pass
    return total


def memory_kilobytes(pids):
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M).group(1))
        except OSError:
            pass
    return total


class Stack:
    """Programs that belong together, started for a run and ended after it."""

    def __init__(self, name, place):
        self.name, self.place, self.programs, self.port = name, place, [], free_port()

    def start(self, arguments, log=None, **options):
        """Starts a program in a session of its own: where the kernel shares processor time by session (sched(7), autogroup),
        it has a share of its own, as a service has."""
        path = os.path.join(self.place, f"{self.name}-{len(self.programs)}.log")
        with open(path, "wb") as output:
            program = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                       start_new_session=True, **options)
        program.log = [path] + ([log] if log else [])
        self.programs.append(program)
        return program

    def stop(self):
        for program in reversed(self.programs):
            program.send_signal(signal.SIGTERM)
        for program in reversed(self.programs):
            try:
                program.wait(20)
            except subprocess.TimeoutExpired:
                program.kill()


class Ours(Stack):
    """Daemon and front with a configuration of their own."""

    def __init__(self, place):
        super().__init__("ours", place)
        self.socket = os.path.join(place, "daemon.sock")

    def launch(self, bin_dir, servers, threads=1, flags=(), http=""):
        """Starts both; `servers` is what stands in the http block."""
        config = os.path.join(self.place, "front-proxy.conf")
        with open(config, "w") as file:
            file.write(f"http {{\n passenger_fly_with {self.socket};\n access_log off;\n{http}\n{servers}\n}}\n")
        log = f"{self.place}/daemon.log"
        self.daemon = self.start([
            os.path.join(bin_dir, "flying-passenger"), f"--socket-file={self.socket}", *flags,
            f"--instance-registry-dir={self.place}/registry", f"--log-file={log}",
        ], log)
        wait_until(lambda: os.path.exists(self.socket), "the daemon's socket", programs=[self.daemon])
        log = f"{self.place}/front.log"
        self.front = self.start([
            os.path.join(bin_dir, "front-proxy"), f"--config={config}", f"--threads={threads}", f"--log-file={log}",
        ], log)
