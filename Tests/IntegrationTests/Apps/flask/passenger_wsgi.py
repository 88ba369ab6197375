import os

from flask import Flask, redirect, request, url_for

application = Flask(__name__, static_folder="public/images")
TEXT = {"Content-Type": "text/plain; charset=utf-8"}


@application.get("/target")
def target():
    return "arrived\n", TEXT


@application.get("/redirect")
def leave():
    return redirect(url_for("target"))


@application.get("/hello/<name>")
def hello(name):
    return f"hello: {name}\n", TEXT


@application.get("/")
@application.get("/<path:rest>")
def page(rest=""):
    variables = [os.environ.get(name, "") for name in ("RAILS_RELATIVE_URL_ROOT", "RACK_BASE_URI", "PASSENGER_BASE_URI")]
    return (
        f"script name: {request.script_root}\n"
        f"path info: {request.path}\n"
        f"full path: {request.environ['REQUEST_URI']}\n"
        f"asset: {url_for('static', filename='logo.txt')}\n"
        f"page: {url_for('target')}\n"
        f"variables: {','.join(variables)}\n"
    ), TEXT
