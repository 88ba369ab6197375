"""The results of `peers`: medians, ratios of ours to each peer, as Markdown, JSON and a plot."""

import json
import os
import platform
import statistics
import subprocess

from peer_plot import plot
from stacks import HERE

OURS = "ours"
SECTIONS = {
    "ruby": "Ruby (Rack, 2 processes)", "wsgi": "Python (WSGI, 2 processes)", "asgi": "Python (ASGI, 1 process)", "node": "Node (1 process)",
    "many": "Many applications (WSGI, 1 process each)",
}
# Packages whose versions matter; nginx has several, of which one is there.
PACKAGES = {
    "nginx": ["/usr/sbin/nginx", "-v"], "puma": ["puma", "--version"], "Passenger": ["passenger", "--version"],
    "Apache": ["/usr/sbin/apache2", "-v"], "gunicorn": ["/usr/bin/gunicorn", "--version"],
    "uWSGI": ["/usr/bin/uwsgi", "--version"], "Node": ["node", "--version"], "Ruby": ["/usr/bin/ruby", "--version"], "Python": ["/usr/bin/python3", "--version"],
    "wrk": ["wrk", "-v"],
}


class Results:
    """Figures of all rounds, by section, stack and name; a section is a language, or many applications."""

    def __init__(self):
        self.rounds = {}

    def add(self, lane, figures):
        stacks = self.rounds.setdefault(lane.section or lane.language, {}).setdefault(lane.title, {})
        for name, value in figures.items():
            stacks.setdefault(name, []).append(value)

    def medians(self, section):
        return {
            title: {name: statistics.median(values) for name, values in figures.items()}
            for title, figures in self.rounds[section].items()
        }


def first_line(command):
    try:
        result = subprocess.run(command, capture_output=True, text=True, cwd=HERE)
    except OSError:
        return "not there"
    return (result.stdout + result.stderr).strip().split("\n")[0]


def machine(bin_dir):
    """What the figures belong to."""
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.machine())
    with open("/proc/meminfo") as file:
        memory = int(file.readline().split()[1]) / 1024 / 1024
    commit = first_line(["git", "log", "-1", "--format=%h of %cs"])
    return {
        "machine": f"{model}, {os.cpu_count()} processors, {memory:.0f} GiB, Linux {platform.release()}",
        "system": platform.freedesktop_os_release()["PRETTY_NAME"],
        "ours": f"{first_line([os.path.join(bin_dir, 'front-proxy'), '--version'])}, commit {commit}",
        **{name: first_line(command) for name, command in PACKAGES.items()},
    }


def more_is_better(name):
    return name.endswith(("requests/s", "MiB/s"))


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ratio(name, ours, peer):
    """Ours divided by the peer's; bold where ours is worse by more than a twentieth."""
    if not ours or not peer:
        return ""
    quotient = ours / peer
    worse = quotient < 0.95 if more_is_better(name) else quotient > 1.05
    return f" (**{quotient:.2f}**)" if worse else f" ({quotient:.2f})"


def table(stacks):
    titles = list(stacks)
    names = list(dict.fromkeys(name for figures in stacks.values() for name in figures))
    lines = ["| | " + " | ".join(titles) + " |", "|---" * (len(titles) + 1) + "|"]
    for name in names:
        ours = stacks.get(OURS, {}).get(name)
        cells = []
        for title in titles:
            value = stacks[title].get(name)
            cells.append("–" if value is None else number(value) + ("" if title == OURS else ratio(name, ours, value)))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def markdown(facts, results):
    parts = [
        "# Ours beside its peers\n",
        "Medians of one run of `make bench-peers`; in brackets ours divided by the peer's, bold where ours is worse by more than",
        "a twentieth. What is measured, and how, is in [../README.md](../README.md).\n",
        "\n".join(f"- {name}: {fact}" for name, fact in facts.items()),
        "\n![Requests per second, and processor time for each](peers.svg)" if results.rounds else "",
    ]
    for section in results.rounds:
        parts.append(f"\n## {SECTIONS[section]}\n\n{table(results.medians(section))}")
    return "\n".join(parts) + "\n"


def write(directory, facts, results):
    os.makedirs(directory, exist_ok=True)
    medians = {section: results.medians(section) for section in results.rounds}
    ratios = {
        section: {
            title: {name: stacks[OURS][name] / value for name, value in figures.items() if value and name in stacks[OURS]}
            for title, figures in stacks.items() if title != OURS
        }
        for section, stacks in medians.items() if OURS in stacks
    }
    texts = {
        "peers.md": markdown(facts, results),
        "peers.json": json.dumps(
            {"facts": facts, "medians": medians, "ours divided by": ratios, "rounds": results.rounds},
            indent=1, ensure_ascii=False,
        ) + "\n",
        "peers.svg": plot({SECTIONS[section]: stacks for section, stacks in medians.items()}),
    }
    for name, text in texts.items():
        with open(os.path.join(directory, name), "w") as file:
            file.write(text)
