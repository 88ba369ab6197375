"""A Flask application. Flask objects are WSGI callables, so naming one `application` is all it takes."""

import os
import pwd

from flask import Flask, request, url_for

application = Flask(__name__)
requests = 0


@application.before_request
def count():
    global requests
    requests += 1


@application.get("/")
def index():
    page = (
        "app: flask\n"
        f"user: {pwd.getpwuid(os.getuid()).pw_name}\n"
        f"pid: {os.getpid()}\n"
        f"script name: {request.script_root}\n"
        f"requests: {requests}\n"
    )
    return page, {"Content-Type": "text/plain; charset=utf-8"}


@application.get("/hello/<name>")
def hello(name):
    return f"Hello {name}, I live at {url_for('index')}\n", {"Content-Type": "text/plain; charset=utf-8"}
