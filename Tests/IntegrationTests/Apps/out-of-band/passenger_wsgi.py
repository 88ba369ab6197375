"""Asks for out-of-band work, which lasts as long as there is a file "hold" beside this one."""

import os
import time

import phusion_passenger

HEADERS = {"/ask": "X-Passenger-Request-OOB-Work", "/ask-newly": "!~Request-OOB-Work"}


def note(what):
    with open("work.log", "a", encoding="utf-8") as log:
        log.write(f"{what} {os.getpid()}\n")


@phusion_passenger.on_event("oob_work")
def work():
    note("begin")
    while os.path.exists("hold"):
        time.sleep(0.005)
    note("end")


def application(environ, start_response):
    header = HEADERS.get(environ["PATH_INFO"])
    start_response("200 OK", [(header, "true")] if header else [])
    return [str(os.getpid()).encode()]
