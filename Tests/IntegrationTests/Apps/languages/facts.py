"""What the Python applications of this folder have in common."""

import hashlib
import os
import pwd
import sys


def note(event):
    with open(f"tmp/events-{os.getpid()}", "a") as file:
        file.write(event + "\n")


def page(method, uri, script, path, query, content_type, body):
    print("said on standard output", os.getpid(), flush=True)
    print("said on standard error", os.getpid(), file=sys.stderr, flush=True)
    facts = {
        "pid": os.getpid(),
        "user": pwd.getpwuid(os.getuid()).pw_name,
        "env": os.environ.get("WSGI_ENV"),
        "method": method,
        "uri": uri,
        "script": script,
        "path": path,
        "query": query,
        "type": content_type,
        "body": f"{len(body)} {hashlib.sha256(body).hexdigest()}",
    }
    return "".join(f"{name}: {value}\n" for name, value in facts.items()).encode()
