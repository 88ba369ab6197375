"""What the benchmarks share: programs that are started for a run and ended with it, and facts about processes."""

import glob
import json
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
NGINX_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
PROGRAMS = ("flying-passenger", "front-proxy", "flying-passenger-exec")


def built_programs(directory):
    """The directory of our programs, as an absolute path; ends with a message when one of them is not there."""
    path = os.path.realpath(directory)
    missing = [name for name in PROGRAMS if not os.access(os.path.join(path, name), os.X_OK)]
    if missing:
        raise SystemExit(f"bench: no {', '.join(missing)} in {path}; run 'make build', or name another --bin-dir")
    return path


def needed(*names, purpose="bench"):
    """Ends with a message when a program of the machine is not there."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    missing = [name for name in names if not shutil.which(name, path=path)]
    if missing:
        raise SystemExit(f"bench: {', '.join(missing)} is not installed; 'scripts/install-packages {purpose}' brings it")


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


def as_user(user):
    """What Popen needs to start a program as this user; nothing without root."""
    if os.geteuid() != 0:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, what, seconds=20, programs=(), pause=0.02):
    """Waits for a condition; ends with a message when it does not come, or when one of the programs ends first."""
    end = time.monotonic() + seconds
    while not condition():
        for program in programs:
            if program.poll() is not None:
                raise SystemExit(f"bench: {program.args[0]} ended with {program.returncode}:\n{last_lines(program.log)}")
        if time.monotonic() > end:
            logs = "".join(f"\n{program.args[0]}:\n{last_lines(program.log)}" for program in programs)
            raise SystemExit(f"bench: waited {seconds} s in vain for {what}{logs}")
        time.sleep(pause)


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


def is_program(pid, name):
    """Whether the process executes a program of this file name."""
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe")).split(" ")[0] == name
    except OSError:
        return False


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


def memory_kilobytes(pids, kind="Pss"):
    """Proportional memory; Pss_Anon is what the processes have of their own, without pages of their programs."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += int(re.search(rf"^{kind}:\s+(\d+)", file.read(), re.M).group(1))
        except OSError:
            pass
    return total


def answers(port):
    """Whether the small application answers at this port."""
    result = subprocess.run(
        ["curl", "-s", "--noproxy", "*", "--max-time", "10", f"http://127.0.0.1:{port}/"], capture_output=True
    )
    return result.stdout == b"hello world\n"


def load(port, connections, seconds, path="/", script=None, counter=()):
    """One run of wrk, below the command `counter`: requests, failures, median and 99th percentile of the latencies in ms."""
    output = subprocess.run(
        [*counter, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *(["-s", script] if script else []),
         f"http://127.0.0.1:{port}{path}"],
        capture_output=True, text=True, check=True,
    ).stdout
    requests = int(re.search(r"(\d+) requests in", output).group(1))
    failed = sum(int(number) for number in re.findall(r"(?:connect|read|write|timeout) (\d+)", output))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    latencies = (re.search(rf"{share}%\s+([\d.]+)(us|ms|s|m)\s", output).groups() for share in (50, 99))
    scale = {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}
    return requests, failed + (int(bad.group(1)) if bad else 0), *(float(number) * scale[unit] for number, unit in latencies)


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

    def start_node(self, script, path):
        """Starts the Node application with a socket that it makes itself, as its user; umask 0 lets nginx connect."""
        return self.start(
            ["node", "-e", f"process.umask(0); require({json.dumps(script)})"],
            env={"SOCKET": path, "PATH": os.environ["PATH"]}, **as_user("nobody"),
        )

    def start_nginx(self, name, listen, upstream, workers=1, locations=""):
        """Starts an nginx that passes everything on to a Unix socket over kept connections."""
        config = os.path.join(self.place, f"{name}.conf")
        files = os.path.join(self.place, name)
        user = "user www-data;" if os.geteuid() == 0 else ""
        temporary = " ".join(f"{kind}_temp_path {files}-{kind};" for kind in NGINX_TEMPORARY)
        with open(config, "w") as file:
            file.write(f"""
{user} worker_processes {workers}; daemon off; pid {files}.pid; error_log {files}.err;
events {{ worker_connections 16384; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 300; client_max_body_size 0; {temporary}
  upstream next {{ server unix:{upstream}; keepalive 512; keepalive_requests 100000000; }}
  server {{
    listen {listen};
    location / {{
      proxy_pass http://next; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr;
    }}
    {locations}
  }}
}}
""")
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        return self.start([program, "-e", f"{files}.err", "-c", config])

    def stop(self):
        for program in reversed(self.programs):
            program.send_signal(signal.SIGTERM)
        for program in reversed(self.programs):
            try:
                program.wait(20)
            except subprocess.TimeoutExpired:
                program.kill()
        self.programs.clear()


class Ours(Stack):
    """Daemon and front with a configuration of their own."""

    def __init__(self, place, name="ours"):
        super().__init__(name, place)

    def launch(self, bin_dir, servers, threads=1, flags=(), http=""):
        """Starts both; `servers` is what stands in the http block."""
        self.socket = os.path.join(self.place, "daemon.sock")
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

    @property
    def hops(self):
        """The processes of each hop; the applications, which the daemon starts, are no part."""
        core = [pid for pid in process_tree(self.daemon.pid) if is_program(pid, "flying-passenger")]
        return {"front": process_tree(self.front.pid), "daemon": core}
