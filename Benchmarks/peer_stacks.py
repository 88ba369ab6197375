"""What `peers` compares: ours and the stacks that people run today, each in front of the same small application."""

import http.client
import os
import re
import shutil
import signal
import tempfile
import time

from stacks import HERE, Ours, Stack, as_user, cpu_nanoseconds, free_port, give, process_tree, wait_until

APPLICATIONS = {
    "ruby": os.path.join(HERE, "peers.d", "ruby"),
    "wsgi": os.path.join(HERE, "peers.d", "wsgi"),
    "asgi": os.path.join(HERE, "peers.d", "asgi"),
    "node": os.path.join(HERE, "app"),
}
# Processes of each application; ASGI's and Node take any number of requests at a time.
PROCESSES = {"ruby": 2, "wsgi": 2, "asgi": 1, "node": 1}
STATIC_BYTES = 10 * 1024
QUEUE = 1024
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
# How an application's processes call themselves; everything else in a stack is its layer.
APPLICATION = re.compile(r"Passenger (?:\w+App|AppPreloader):|uWSGI (?:worker|master)|(?:\S*/)?(?:ruby|python3|node|puma|gunicorn)")


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


class Lane:
    """One stack with one application: a mixin for `Stack`; `launch` starts the programs, nginx and application at once."""

    languages = ()
    # Where its figures belong, when that is not the language.
    section = None
    # With uvicorn, uvloop, httptools and granian, for ASGI.
    virtual_environment = None
    # Whether the layer sends files of the application's public folder itself, and holds idle connections in its own way.
    static = holds = False

    def prepare(self, language, bin_dir, threads):
        """Says what it is to start, and by which programs; `place` is made anew for each start."""
        self.root, self.language, self.bin_dir, self.threads = self.place, language, bin_dir, threads
        return self

    def begin(self):
        """Starts everything in a new directory; milliseconds until the first answer."""
        self.place = tempfile.mkdtemp(prefix=f"{self.name}.", dir=self.root)
        os.chmod(self.place, 0o755)
        self.port = free_port()
        self.application = os.path.join(self.place, "app")
        self.upstream = os.path.join(self.application, "tmp", "app.sock")
        shutil.copytree(APPLICATIONS[self.language], self.application)
        os.mkdir(os.path.join(self.application, "tmp"))
        with open(os.path.join(self.application, "public", "static.bin"), "wb") as file:
            file.write(b"x" * STATIC_BYTES)
        give(self.application, "nobody")
        began = time.monotonic()
        self.launch()
        wait_until(self.answers, f"an answer through {self.title}", 60, programs=self.programs, pause=0.002)
        return (time.monotonic() - began) * 1000

    def answers(self):
        return self.fetch("/") == b"hello world\n"

    def fetch(self, path, host="localhost"):
        """The body of a good answer, nothing when there is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers={"Host": host})
            response = connection.getresponse()
            body = response.read()
            return body if response.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def python(self):
        """The interpreter of the application: Debian has neither uvloop nor granian."""
        return os.path.join(self.virtual_environment, "bin", "python3") if self.language == "asgi" else "/usr/bin/python3"

    def run(self, arguments, **options):
        """Starts a program of the application, as its user and in its directory."""
        return self.start(
            arguments, cwd=self.application, env={**ENVIRONMENT, "HOME": self.place}, umask=0, **as_user("nobody"), **options
        )

    def front(self, upstream=None, locations=""):
        """Starts the nginx that clients talk to."""
        files = f"location = /static.bin {{ root {self.application}/public; }}"
        self.start_nginx("front", f"127.0.0.1:{self.port}", upstream or self.upstream, self.threads, files + locations)

    def front_of_vassals(self, socket):
        """Starts an nginx that speaks uWSGI's protocol; the expression wins over the location that passes everything on."""
        self.front(locations=f"location ~ . {{ include /etc/nginx/uwsgi_params; uwsgi_pass unix:{socket}; }}")

    def roots(self):
        return [program.pid for program in self.programs]

    def processes(self):
        """Process IDs of the layer and of the application."""
        found = ([], [])
        for root in self.roots():
            for pid in process_tree(root):
                found[bool(APPLICATION.match(command_line(pid)))].append(pid)
        return found

    def settle(self):
        """Waits until nothing in the stack works any more, so that nothing of it is measured with what comes next."""
        def is_quiet():
            pids = sum(self.processes(), [])
            before = cpu_nanoseconds(pids)
            time.sleep(0.25)
            return set(pids) == set(sum(self.processes(), [])) and cpu_nanoseconds(pids) - before < 5_000_000

        wait_until(is_quiet, f"quiet in {self.title}", 30)

    # Lets new processes take the place of those that there are; none without a supervisor.
    restart = None


class RestartFile:
    """Restarts as Passenger does."""

    def restart(self):
        path = os.path.join(self.application, "tmp", "restart.txt")
        with open(path, "w") as file:
            file.write(str(time.monotonic()))


class FlyingPassenger(RestartFile, Lane, Ours):
    title, languages, static, holds = "ours", ("ruby", "wsgi", "asgi", "node"), True, True

    def launch(self):
        Ours.launch(
            self, self.bin_dir,
            f" server {{ listen 127.0.0.1:{self.port}; root {self.application}/public; passenger_enabled on; }}",
            threads=self.threads, flags=[f"--max-pool-size={PROCESSES[self.language]}"],
            http=f"{SETTINGS} passenger_python {self.python()}; passenger_min_instances {PROCESSES[self.language]};",
        )


SETTINGS = f""" passenger_ruby /usr/bin/ruby; passenger_max_request_queue_size {QUEUE};
 client_max_body_size 0; keepalive_timeout 300;"""


class Puma(Lane, Stack):
    title, languages, static = "nginx → puma", ("ruby",), True

    def launch(self):
        self.puma = self.run([
            "/usr/bin/puma", "-q", "-e", "production", "-w", str(PROCESSES["ruby"]), "-t", "5:5",
            "-b", f"unix://{self.upstream}", "config.ru",
        ])
        self.front()

    def restart(self):
        self.puma.send_signal(signal.SIGUSR1)


class PassengerStandalone(RestartFile, Lane, Stack):
    title, languages, holds = "nginx → Passenger", ("ruby",), True

    def launch(self):
        size, tmp = str(PROCESSES["ruby"]), os.path.dirname(self.upstream)
        self.run(
            ["/usr/bin/passenger", "start", "--engine", "builtin", "--environment", "production", "--ruby", "/usr/bin/ruby",
             "--socket", self.upstream, "--instance-registry-dir", tmp, "--max-pool-size", size, "--min-instances", size,
             "--max-request-queue-size", str(QUEUE), "--disable-security-update-check", "--disable-anonymous-telemetry",
             "--log-file", f"{tmp}/passenger.log", "--pid-file", f"{tmp}/passenger.pid"],
            log=f"{tmp}/passenger.log",
        )
        self.front()

    def roots(self):
        # The watchdog makes itself a daemon; the command only waits, and would not be there with --daemonize.
        with open(os.path.join(os.path.dirname(self.upstream), "passenger.pid")) as file:
            return [int(file.read()), self.programs[-1].pid]


class ApachePassenger(RestartFile, Lane, Stack):
    title, languages, static, holds = "Apache + Passenger", ("ruby",), True, True

    def launch(self):
        self.start_apache(f"DocumentRoot {self.application}/public", PROCESSES[self.language])

    def start_apache(self, hosts, pool_size, minimum=None):
        """Starts Apache with threads for 512 requests, and for idle connections; with fewer it closes kept ones under load."""
        modules = ("mpm_event", "authz_core", "passenger")
        config = os.path.join(self.place, "apache.conf")
        users = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
        with open(config, "w") as file:
            file.write("\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in modules) + f"""
{users}
ServerRoot {self.place}
DefaultRuntimeDir {self.place}
PidFile {self.place}/apache.pid
ErrorLog {self.place}/apache.err
ServerName localhost
Listen 127.0.0.1:{self.port}
KeepAlive On
KeepAliveTimeout 300
MaxKeepAliveRequests 0
StartServers 1
ServerLimit 8
ThreadsPerChild 64
MaxRequestWorkers 512
MinSpareThreads 64
MaxSpareThreads 512
AsyncRequestWorkerFactor 64
<Directory {self.place}>
  Require all granted
</Directory>
PassengerRoot /usr/lib/ruby/vendor_ruby/phusion_passenger/locations.ini
PassengerDefaultRuby /usr/bin/ruby
PassengerPython /usr/bin/python3
PassengerInstanceRegistryDir {self.place}
PassengerLogFile {self.place}/passenger.log
PassengerMaxPoolSize {pool_size}
PassengerMinInstances {minimum or pool_size}
PassengerMaxRequestQueueSize {QUEUE}
PassengerDisableSecurityUpdateCheck on
PassengerDisableAnonymousTelemetry on
{hosts}
""")
        self.start(["/usr/sbin/apache2", "-DFOREGROUND", "-f", config], f"{self.place}/apache.err", env=ENVIRONMENT)


class Gunicorn(Lane, Stack):
    title, languages, static = "nginx → gunicorn", ("wsgi",), True

    def launch(self):
        self.gunicorn = self.run([
            "/usr/bin/gunicorn", "--workers", str(PROCESSES["wsgi"]), "--umask", "0", "--bind", f"unix:{self.upstream}",
            "passenger_wsgi:application",
        ])
        self.front()

    def restart(self):
        self.gunicorn.send_signal(signal.SIGHUP)


class Uvicorn(Lane, Stack):
    title, languages, static = "nginx → uvicorn", ("asgi",), True

    def launch(self):
        self.run([
            self.python(), "-m", "uvicorn", "--uds", self.upstream, "--no-access-log", "--log-level", "warning",
            "passenger_asgi:application",
        ])
        self.front()


class Granian(Lane, Stack):
    title, languages, static = "nginx → granian", ("asgi",), True

    def launch(self):
        self.run([
            self.python(), "-m", "granian", "--interface", "asgi", "--uds", self.upstream, "--uds-permissions", "0666",
            "--log-level", "warning", "passenger_asgi:application",
        ])
        self.front()


class Emperor(Lane, Stack):
    title, languages, holds = "uWSGI emperor", ("wsgi",), True

    def launch(self):
        # Between router and workers a Unix socket: over loopback, its default, it costs twice as much.
        self.start_emperor({"app": (
            f"http = 127.0.0.1:{self.port}\nhttp-keepalive = 300\nhttp-timeout = 300\n"
            f"socket = {self.upstream}\nhttp-to = {self.upstream}"
        )})

    def start_emperor(self, vassals, processes=PROCESSES["wsgi"]):
        """Starts an emperor with these vassals: name, which is that of the directory as well, and lines of the file."""
        directory = os.path.join(self.place, "vassals")
        os.mkdir(directory)
        users = "uid = nobody\ngid = nogroup\n" if os.geteuid() == 0 else ""
        for name, lines in vassals.items():
            self.vassal = os.path.join(directory, f"{name}.ini")
            with open(self.vassal, "w") as file:
                file.write(f"[uwsgi]\nplugins = python3,http\nmaster = true\nprocesses = {processes}\n{users}{lines}\n"
                           f"chdir = {self.place}/{name}\nwsgi-file = passenger_wsgi.py\nneed-app = true\nlisten = {QUEUE}\n"
                           "auto-procname = true\ndisable-logging = true\ndie-on-term = true\n")
        self.start(["/usr/bin/uwsgi", "--emperor", directory, "--die-on-term"], env=ENVIRONMENT)

    def restart(self):
        os.utime(self.vassal)


class EmperorBehindNginx(Emperor):
    title, static, holds = "nginx → uWSGI emperor", True, False

    def launch(self):
        self.start_emperor({"app": f"socket = {self.upstream}\nchmod-socket = 666"})
        self.front_of_vassals(self.upstream)


class Node(Lane, Stack):
    title, languages, static, holds = "nginx → Node", ("node",), True, True

    def launch(self):
        self.start_node(os.path.join(self.application, "app.js"), self.upstream)
        self.front()


class NodeBehindTwo(Lane, Stack):
    title, languages = "nginx → nginx → Node", ("node",)

    def launch(self):
        inner = os.path.join(self.place, "inner.sock")
        self.start_node(os.path.join(self.application, "app.js"), self.upstream)
        self.start_nginx("inner", f"unix:{inner}", self.upstream, self.threads)
        self.front(inner)


LANES = (FlyingPassenger, Puma, PassengerStandalone, ApachePassenger, Gunicorn, Uvicorn, Granian, Emperor, EmperorBehindNginx, Node, NodeBehindTwo)


def make_lane(kind, place, language, bin_dir, threads):
    name = f"{kind.__name__}-{language}"
    lane = kind(place, name) if issubclass(kind, Ours) else kind(name, place)
    return lane.prepare(language, bin_dir, threads)
