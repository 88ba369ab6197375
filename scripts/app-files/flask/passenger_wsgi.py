"""A shelf for notes: sessions, uploads, files with ranges, streams, and errors, as Flask does them."""
import os
import time
from pathlib import Path

from flask import Flask, Response, abort, flash, redirect, render_template, request, send_file, session, url_for
from werkzeug.utils import secure_filename

ROOT = Path(__file__).resolve().parent
SHELF = ROOT / "shelf"
TEXT = {"Content-Type": "text/plain; charset=utf-8"}

# With this folder the front answers for static files, below a prefix too.
application = Flask(__name__, static_folder="public/static")
application.secret_key = (ROOT / "secret").read_bytes()
application.config["MAX_CONTENT_LENGTH"] = 8 * 1024 * 1024


@application.get("/")
def shelf():
    session["visits"] = session.get("visits", 0) + 1
    return render_template("shelf.html", names=sorted(os.listdir(SHELF)), visits=session["visits"])


@application.post("/notes")
def add():
    sent = request.files.get("note")
    name = secure_filename(sent.filename) if sent else ""
    if not name:
        flash("Choose a file.")
        return redirect(url_for("shelf"))
    sent.save(SHELF / name)
    flash(f"{name} is on the shelf.")
    return redirect(url_for("note", name=name))


@application.get("/notes/<name>")
def note(name):
    path = SHELF / secure_filename(name)
    if not path.is_file():
        abort(404)
    return send_file(path, as_attachment=True, conditional=True)


@application.post("/notes/<name>/delete")
def delete(name):
    (SHELF / secure_filename(name)).unlink()
    return redirect(url_for("shelf"))


@application.get("/facts")
def facts():
    return {
        "prefix": request.script_root,
        "path": request.path,
        "secure": request.is_secure,
        "client": request.remote_addr,
        "link": url_for("shelf", _external=True),
        "pid": os.getpid(),
    }


@application.get("/stream")
def stream():
    """The second part comes once the file tmp/go is there."""
    def parts():
        yield "first\n"
        end = time.monotonic() + 20
        while not (ROOT / "tmp/go").exists() and time.monotonic() < end:
            time.sleep(0.01)
        yield "last\n"
    return Response(parts(), headers=TEXT)


@application.get("/fail")
def fail():
    raise RuntimeError("this page always fails")


@application.errorhandler(404)
def missing(error):
    return "There is no such note.\n", 404, TEXT


@application.errorhandler(500)
def broken(error):
    return "Something broke on the shelf.\n", 500, TEXT
