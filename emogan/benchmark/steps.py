"""Steps against the clock, each in a process of its own: what fails in one of them stops no other."""

import json
import logging
import multiprocessing
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from emogan.benchmark.sections import end_on_sigterm
from emogan.environment import quieten_lightning

Part = tuple[str, Callable[[], dict]]

CONTEXT = multiprocessing.get_context("forkserver")  # it imports what all steps need, and uses no GPU itself
PATIENCE = 3  # a step may take this many times what it is expected to take
GRACE_S = 15  # and its last part so much longer, before its process is ended


@dataclass(frozen=True)
class Step:
    """A check, or a measurement, and the parts that it consists of.

    Parameters
    ----------
    name
        What it is called in the results.
    parts
        From the settings of a run and the time (`time.monotonic`) at which the step should end: names, and functions
        that give plain values. A part that must not fail gives a `verdict`.
    expected_s
        Seconds it should take; it is left out where fewer are left.
    check
        Whether it is a check: one that does not end in time has failed, and a measurement has not.
    """

    name: str
    parts: Callable[[Any, float], Iterator[Part]]
    expected_s: float
    check: bool = True


def verdict(passed: bool, **found) -> dict:
    """What a check gives: whether it has passed, and what it has seen."""
    return {"passed": bool(passed), **found}


def run(steps: Sequence[Step], settings: object, budget_s: float, write: Callable[[dict], None]) -> dict[str, dict]:
    """Run steps in order while time is left.

    Parameters
    ----------
    settings
        What all steps are given; it goes to other processes.
    budget_s
        Seconds for all of them.
    write
        Is given all that is known whenever there is more of it.

    Returns
    -------
    dict
        By step: its status (passed, measured, failed, skipped, or cut short where parts were left out or a measurement
        did not end), seconds, and what each part gave. A part that raises has a traceback as its ``error``.
    """
    end, found = time.monotonic() + budget_s, {}
    CONTEXT.set_forkserver_preload(["emogan.benchmark.gpu_checks", "emogan.benchmark.gpu_measures"])
    _started(int).join()  # what is imported for the first time counts for no step
    for step in steps:
        start = time.monotonic()
        known = found[step.name] = {"status": "skipped", "seconds": 0.0, "parts": {}}
        if start + step.expected_s <= end:
            print(f"\n{step.name}", flush=True)
            known["status"] = "running"
            until = min(end, start + PATIENCE * step.expected_s)
            for name, part in _results(step, settings, until):
                known["parts"][name] = part
                print(shown(name, part), flush=True)
                write(found)
            known |= {"status": status(step, known["parts"]), "seconds": round(time.monotonic() - start, 1)}
        print(f"{step.name}: {known['status']}, {known['seconds']:g} s", flush=True)
        write(found)
    return found


def status(step: Step, parts: dict[str, dict]) -> str:
    """What has become of a step, from its parts."""
    if any(part.get("passed") is False for part in parts.values()):
        return "failed"
    if any("skipped" in part for part in parts.values()):
        return "cut short"
    return "passed" if step.check else "measured"


def shown(name: str, part: dict) -> str:
    """A part as text: numbers briefly, a traceback as it is."""
    rounded = json.loads(json.dumps(part), parse_float=lambda number: float(f"{float(number):.4g}"))
    error = rounded.pop("error", "")
    return f"  {name}: {json.dumps(rounded)}" + f"\n{error}" * bool(error)


def _results(step: Step, settings: object, until: float) -> Iterator[tuple[str, dict]]:
    """What the parts of a step give in a process of their own, one after the other, and what ended it out of turn."""
    receiver, sender = CONTEXT.Pipe(duplex=False)
    process = _started(_work, step, settings, until, sender)
    sender.close()
    try:
        while receiver.poll(max(0.0, until + GRACE_S - time.monotonic())):
            yield receiver.recv()
        process.terminate()
        late = f"ended after {GRACE_S} s more than it had"
        yield "end", verdict(False, error=late) if step.check else {"skipped": late}
    except EOFError:
        process.join()
        if process.exitcode:
            yield "end", verdict(False, error=f"its process ended with exit code {process.exitcode}, see above")
    finally:
        _end(process)
        receiver.close()


def _started(work: Callable, *arguments: object) -> BaseProcess:
    """A process that ends with this one."""
    process = CONTEXT.Process(target=work, args=arguments, daemon=True)
    process.start()
    return process


def _end(process: BaseProcess) -> None:
    process.join(GRACE_S)
    process.kill()
    process.join()


def _work(step: Step, settings: object, until: float, sender: Connection) -> None:
    """Send what each part of a step gives; one that should take as long as the longest so far begins while it may."""
    end_on_sigterm()
    quieten_lightning()
    logging.getLogger("emogan").setLevel(logging.ERROR)  # GANs of a few updates are warned of
    longest = 0.0
    for name, part in step.parts(settings, until):
        start = time.monotonic()
        if start + longest > until:
            sender.send((name, {"skipped": "no time left"}))
            continue
        try:
            found = part()
        except Exception:
            found = verdict(False, error=traceback.format_exc())
        seconds = time.monotonic() - start
        longest = max(longest, seconds)
        sender.send((name, {**found, "seconds": round(seconds, 2)}))
