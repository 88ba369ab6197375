"""Tries to open the memory of every child of a process from the moment it exists; ends when that process does.

Prints "seen PID" once for each child that could not be opened, and "opened PID" once for each that could.
"""
import os
import sys

parent = sys.argv[1]
told = set()


def say(what, pid):
    if (what, pid) not in told:
        told.add((what, pid))
        print(what, pid, flush=True)


def threads():
    try:
        return os.listdir(f"/proc/{parent}/task")
    except OSError:
        sys.exit(0)


while True:
    # Children are listed with the thread that started them.
    children = []
    for thread in threads():
        try:
            with open(f"/proc/{parent}/task/{thread}/children") as file:
                children += file.read().split()
        except OSError:
            pass
    for child in children:
        try:
            os.close(os.open(f"/proc/{child}/mem", os.O_RDONLY))
            say("opened", child)
        except PermissionError:
            say("seen", child)
        except OSError:
            pass
