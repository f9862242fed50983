"""`cluster`: a Slurm of its own on one machine, without systemd; munge, accounting and two nodes on loopback."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAMS = (
    "munged", "mungekey", "mariadbd", "mariadb-install-db", "mariadb", "slurmdbd", "slurmctld", "slurmd", "sbatch",
    "srun", "sacct", "sacctmgr",
)  # fmt: skip
NODES = ("n1", "n2")

# Jobs are requeued at once when their node is lost (10 s) or `urgent` wants it, and may start again after 5 s, which is
# the life of a credential. What ends within KillWait of being told to ended by itself.
SLURM_CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmctldPort={ctld}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=bf_interval=2,sched_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
SlurmdTimeout=10
KillWait={kill_wait_s}
ReturnToService=2
JobRequeue=1
JobAcctGatherType=jobacct_gather/linux
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={dbd}
AccountingStoragePass={folder}/munge.socket
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={n1} CPUs=2 RealMemory=4000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={n2} CPUs=2 RealMemory=4000
PartitionName=usual Nodes=ALL Default=YES PriorityTier=1 MaxTime=INFINITE
PartitionName=graceful Nodes=ALL PriorityTier=1 GraceTime=60 MaxTime=INFINITE
PartitionName=urgent Nodes=ALL PriorityTier=2 PreemptMode=OFF MaxTime=INFINITE
"""
SLURMDBD_CONF = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={dbd}
SlurmUser=root
LogFile={folder}/slurmdbd.log
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=slurm
StoragePass=slurm
StorageLoc=accounting
"""
SQL = """\
create database accounting;
create user 'slurm'@'localhost' identified by 'slurm';
grant all on accounting.* to 'slurm'@'localhost';
"""


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A cluster that works; whatever it started is stopped at the end."""
    absent = [program for program in PROGRAMS if not shutil.which(program)]
    if absent or os.getuid():
        pytest.skip(f"needs root and {', '.join(PROGRAMS)}; {', '.join(absent) or 'root'} is not there")
    cluster = Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


class Cluster:
    """Daemons in the foreground, as children of this process, with everything that they write in one folder."""

    kill_wait_s = 60

    def __init__(self, folder: Path):
        self.folder = folder
        self.daemons: dict[str, subprocess.Popen] = {}
        self.environment = {
            **os.environ, "SLURM_CONF": str(folder / "slurm.conf"), "MYSQL_UNIX_PORT": str(folder / "mariadb.socket"),
        }  # fmt: skip

    def start(self) -> None:
        self._configure()
        self._start("munged", "--foreground", "--force", f"--socket={self.folder}/munge.socket", f"--key-file={self.folder}/key",
                    f"--pid-file={self.folder}/munged.pid", f"--seed-file={self.folder}/munge.seed",
                    f"--log-file={self.folder}/munged.log")  # fmt: skip
        data = f"--datadir={self.folder}/data"
        self.run("mariadb-install-db", "--no-defaults", "--user=root", data, "--auth-root-authentication-method=normal")
        self._start("mariadbd", "--no-defaults", "--user=root", data, "--skip-networking",
                    f"--socket={self.folder}/mariadb.socket", "--innodb-buffer-pool-size=64M")  # fmt: skip
        self._until("mariadb", "--no-defaults", "--user=root", "--execute=select 1")
        self.run("mariadb", "--no-defaults", "--user=root", f"--execute={SQL}")
        self._start("slurmdbd", "-D")
        self._until("sacctmgr", "--noheader", "list", "cluster")
        self.run("sacctmgr", "-i", "add", "cluster", "test")
        self.run("sacctmgr", "-i", "add", "account", "default", "description=default", "organization=none")
        self.run("sacctmgr", "-i", "add", "user", "root", "account=default")
        self._start("slurmctld", "-D", "-i")
        for node in NODES:
            self.start_node(node)
        self.wait_for_nodes()

    def start_node(self, node: str) -> None:
        self._start(f"slurmd.{node}", "-D", "-N", node)

    def wait_for_nodes(self, limit_s: float = 120) -> None:
        """Until all nodes are up and no job is left, not even one that is completing."""

        def idle() -> bool:
            up = self.run("sinfo", "-h", "-p", "usual", "-t", "idle", "-o", "%D").strip() == str(len(NODES))
            return up and not self.run("squeue", "-h")

        self.wait(idle, limit_s)

    def cut_off(self, node: str) -> None:
        """Kill all that runs on a node without a word, as a power cut does: its daemon, the steps and their tasks."""
        tasks = {pid for pid in self._processes() if _environment(pid).get("SLURMD_NODENAME") == node}
        steps = {_parent(pid) for pid in tasks}
        lost = tasks | {pid for pid in steps if b"slurmstepd" in _read(pid, "cmdline")}
        lost.add(self.daemons[f"slurmd.{node}"].pid)
        for sent in (signal.SIGSTOP, signal.SIGKILL):  # stopped first, so that none sees another die
            for pid in lost:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, sent)
        self.daemons.pop(f"slurmd.{node}").wait()

    def wait(self, holds: Callable[[], bool], limit_s: float = 120) -> None:
        """Until something holds.

        Raises
        ------
        TimeoutError, RuntimeError
            If it takes too long, or a daemon has died; the logs in the folder say why.
        """
        end = time.monotonic() + limit_s
        while not holds():
            dead = [name for name, daemon in self.daemons.items() if daemon.poll() is not None]
            if dead:
                raise RuntimeError(f"{', '.join(dead)} ended: see the logs in {self.folder}")
            if time.monotonic() > end:
                raise TimeoutError(f"waited for {limit_s} s: see the logs in {self.folder}")
            time.sleep(0.2)

    def run(self, *command: str) -> str:
        """What a command says."""
        return subprocess.run(
            command, env=self.environment, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ).stdout

    def stop(self) -> None:
        if "slurmctld" in self.daemons:
            subprocess.run(["scancel", "--user=root"], env=self.environment)
            with contextlib.suppress(TimeoutError, subprocess.CalledProcessError):  # it is to be stopped all the same
                self.wait(lambda: not self.run("squeue", "-h"))
        for daemon in reversed(self.daemons.values()):
            daemon.terminate()
            daemon.wait()

    def _configure(self) -> None:
        ports = dict(zip(("ctld", "dbd", *NODES), _free_ports(2 + len(NODES)), strict=True))
        names = {
            "folder": self.folder,
            "host": socket.gethostname().split(".")[0],
            "kill_wait_s": self.kill_wait_s,
            **ports,
        }
        for path, text in (("slurm.conf", SLURM_CONF), ("slurmdbd.conf", SLURMDBD_CONF)):
            (self.folder / path).write_text(text.format(**names))
            (self.folder / path).chmod(0o600)
        for name in ("state", "data", *(f"spool/{node}" for node in NODES)):
            (self.folder / name).mkdir(parents=True)
        self.run("mungekey", f"--keyfile={self.folder}/key")

    def _start(self, name: str, *arguments: str) -> None:
        with (self.folder / f"{name}.said").open("ab") as said:
            self.daemons[name] = subprocess.Popen(
                [shutil.which(name.split(".")[0]), *arguments], env=self.environment,
                stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True,
            )  # fmt: skip

    def _until(self, *command: str) -> None:
        self.wait(lambda: not subprocess.run(command, env=self.environment, capture_output=True).returncode)

    def _processes(self) -> list[int]:
        """Those of this cluster's jobs."""
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        return [pid for pid in pids if _environment(pid).get("SLURM_CONF") == self.environment["SLURM_CONF"]]


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:  # it has just ended
        return b""


def _environment(pid: int) -> dict[str, str]:
    words = _read(pid, "environ").decode(errors="replace").split("\0")
    return dict(word.split("=", 1) for word in words if "=" in word)


def _parent(pid: int) -> int:
    fields = dict(line.split(b":", 1) for line in _read(pid, "status").splitlines() if b":" in line)
    return int(fields.get(b"PPid", 0))


def _free_ports(n: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(n)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
