"""Starts commands in forks of itself, so that many of them pay for the imports of python -m emogan.MODULE once.

Reads one JSON request a line and answers with one: {"folder", "module", "arguments"} -> process id,
{"wait": process id} -> exit code as a shell tells it. At its end it ends the commands that nobody has waited for.
"""

import gc
import json
import os
import runpy
import signal
import sys

import emogan.jobs.job  # noqa: F401

gc.freeze()  # the forks need not take to pieces at their end what was imported here

running = set()
for line in sys.stdin:
    request = json.loads(line)
    if "wait" in request:
        running.discard(request["wait"])
        code = os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1])
        answer = code if code >= 0 else 128 - code
    else:
        answer = os.fork()
        if not answer:
            break
        running.add(answer)
    print(json.dumps(answer), flush=True)
else:
    for one in running:
        os.kill(one, signal.SIGTERM)
    sys.exit()

sys.path[0] = request["folder"]  # where python -m looks first
os.chdir(request["folder"])
said = os.open("said.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
for stream, replacement in enumerate((os.open(os.devnull, os.O_RDONLY), said, said)):
    os.dup2(replacement, stream)
sys.argv = [f"{request['module']}.py", *request["arguments"]]
runpy.run_module(f"emogan.{request['module']}", run_name="__main__", alter_sys=True)
