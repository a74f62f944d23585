#!/usr/bin/python3
"""Runs the measurements and prints them as ratios, as Markdown for docs/performance.md.

Usage: bench/run.py BUILD-FOLDER [--quick] [--baseline BUILD-FOLDER]

Needs the packages that tools/packages.txt lists under "bench", and root for the ssh side
(a scratch account with /bin/sh, an empty home and no PAM: a heavy login profile would let
any client win). A missing peer is an error. Both sides of a line run in turn, A B A B …;
the ratio is that of the medians. Everything talks to loopback and is ended by pid.
"""
import argparse
import itertools
import os
import pty
import pwd
import random
import re
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

GIB = 1 << 30


class Failure(Exception):
    pass


def measured(command, **kwargs):
    """Runs a command; its wall and CPU seconds."""
    start = time.monotonic()
    process = subprocess.Popen(command, **kwargs)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Failure(f"{command[0]} ended with {process.returncode}: {command}")
    return wall, usage.ru_utime + usage.ru_stime


def peak_memory(command, **kwargs):
    """Its peak memory in MiB. Through a small program: a child of ours would begin with
    what this interpreter holds, which the kernel counts as well."""
    with tempfile.NamedTemporaryFile("r") as file:
        measured(["/usr/bin/time", "-o", file.name, "-f", "%M", *command], **kwargs)
        return int(file.read()) / 1024


class Service:
    """winrmd on a free port, with one user."""

    def __init__(self, binaries, folder):
        self.bin = binaries
        self.folder = os.path.join(folder, "service")
        os.mkdir(self.folder, 0o700)
        self.password_file = os.path.join(self.folder, "password")
        with open(self.password_file, "w") as file:
            file.write(os.urandom(12).hex() + "\n")
        # As /run, where it is by default, a file system in memory.
        self.run_folder = tempfile.mkdtemp(prefix="winrmd-bench-", dir="/dev/shm")
        options = []
        for setting in ("Listen=127.0.0.1:0", "Basic=true", "AllowUnencrypted=true",
                        f"UsersFile={self.folder}/users", f"RunDirectory={self.run_folder}/run"):
            options += ["-o", setting]
        with open(self.password_file) as password:
            subprocess.run([self.tool("winrmd"), *options, "user", "add", "bench"],
                           stdin=password, check=True, stdout=subprocess.DEVNULL)
        reader, self.watch = os.pipe()
        root = ["--allow-root-shells"] if os.getuid() == 0 else []
        self.process = subprocess.Popen(
            [self.tool("winrmd"), *options, *root, "--watch-fd", str(reader)],
            pass_fds=[reader], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        os.close(reader)
        line = self.process.stdout.readline()
        match = re.fullmatch(r"listening on http://(.*)/wsman\n", line)
        if not match:
            raise Failure(f"winrmd did not start: {line!r}")
        self.address = match[1]

    def tool(self, name):
        return os.path.join(self.bin, name)

    def run(self, command, *options):
        return [self.tool("winrmc"), "run", "--password-file", self.password_file, *options,
                f"bench@{self.address}", "--", command]

    def call(self, verb, *arguments):
        return [self.tool("winrmc"), verb, "--password-file", self.password_file,
                f"bench@{self.address}", *arguments]

    def detached(self, command, *options):
        """Starts a command that nobody is attached to; the id of its shell."""
        return subprocess.run(self.run(command, "--detach", *options), check=True, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout.strip()

    def kill(self, shell):
        subprocess.run(self.call("kill", shell), check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)

    def kill_net(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as children:
            for pid in children.read().split():
                with open(f"/proc/{pid}/comm") as comm:
                    if comm.read() == "winrmd-net\n":
                        os.kill(int(pid), signal.SIGKILL)

    def stop(self):
        os.close(self.watch)
        self.process.wait()
        shutil.rmtree(self.run_folder)


class Ssh:
    """sshd on a free port and a scratch account, aes128-gcm, with a ControlMaster."""

    ACCOUNT = "winrmd-bench"

    def __init__(self, folder):
        for tool in ("/usr/sbin/sshd", "ssh"):
            if not shutil.which(tool):
                raise Failure(f"{tool} is missing: sh tools/packages.sh bench")
        if os.getuid() != 0:
            raise Failure("the ssh side needs root for its scratch account")
        self.folder = os.path.join(folder, "ssh")
        os.mkdir(self.folder, 0o755)
        os.chmod(folder, 0o755)
        self.made_account = False
        try:
            pwd.getpwnam(self.ACCOUNT)
        except KeyError:
            subprocess.run(["useradd", "--system", "--no-create-home", "--home-dir",
                            f"{self.folder}/home", "--shell", "/bin/sh", "--password", "*",
                            self.ACCOUNT], check=True)
            self.made_account = True
        home = f"{self.folder}/home"
        os.mkdir(home)
        for key in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
                            f"{self.folder}/{key}"], check=True)
        shutil.copy(f"{self.folder}/user.pub", f"{self.folder}/authorized")
        os.makedirs("/run/sshd", exist_ok=True)
        port = 20000 + os.getpid() % 20000
        with open(f"{self.folder}/sshd_config", "w") as file:
            file.write(f"ListenAddress 127.0.0.1:{port}\nHostKey {self.folder}/host\n"
                       f"AuthorizedKeysFile {self.folder}/authorized\nUsePAM no\n"
                       "StrictModes no\nPidFile none\nPrintMotd no\n")
        self.process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", f"{self.folder}/sshd_config"],
                                        stderr=subprocess.DEVNULL)
        self.options = ["-F", "none", "-p", str(port), "-i", f"{self.folder}/user",
                        "-c", "aes128-gcm@openssh.com", "-o", "StrictHostKeyChecking=no",
                        "-o", f"UserKnownHostsFile={self.folder}/known", "-o", "LogLevel=ERROR",
                        "-o", f"ControlPath={self.folder}/control"]
        self.target = f"{self.ACCOUNT}@127.0.0.1"
        deadline = time.monotonic() + 10
        while subprocess.run(["ssh", *self.options, "-MNf", self.target],
                             stderr=subprocess.DEVNULL).returncode != 0:
            if time.monotonic() > deadline:
                raise Failure("sshd does not answer")

    def run(self, command, shared=True):
        control = [] if shared else ["-o", "ControlPath=none"]
        return ["ssh", *control, *self.options, self.target, command]

    def stop(self):
        subprocess.run(["ssh", *self.options, "-O", "exit", self.target],
                       stderr=subprocess.DEVNULL)
        self.process.terminate()
        self.process.wait()
        deadline = time.monotonic() + 10  # its last process may still be ending
        while self.made_account and time.monotonic() < deadline:
            self.made_account = subprocess.run(["userdel", self.ACCOUNT],
                                               stderr=subprocess.DEVNULL).returncode != 0
            time.sleep(0.1)


class Tmux:
    """A tmux server of our own, without any configuration."""

    def __init__(self, folder):
        if not shutil.which("tmux"):
            raise Failure("tmux is missing: sh tools/packages.sh bench")
        self.command = ["tmux", "-S", os.path.join(folder, "tmux"), "-f", "/dev/null"]
        self.environment = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
        self.start("keep", "sleep 100000")

    def call(self, *arguments):
        subprocess.run([*self.command, *arguments], check=True, env=self.environment,
                       stdin=subprocess.DEVNULL)

    def start(self, name, command):
        self.call("new-session", "-d", "-s", name, "-x", "80", "-y", "24", command)

    def stop(self):
        self.call("kill-server")


def in_turn(count, *sides):
    """Runs each side count times in turn after a warm-up; a list of results each."""
    results = [[] for _ in sides]
    for side in sides:
        side()
    for _ in range(count):
        for result, side in zip(results, sides):
            result.append(side())
    return results


def spread(values, digits):
    return (f"{statistics.median(values):.{digits}f} "
            f"({min(values):.{digits}f}–{max(values):.{digits}f})")


ROWS = []


def row(name, unit, count, ours, peer_name, theirs, aim, digits=2):
    ratio = statistics.median(ours) / statistics.median(theirs)
    ROWS.append(f"| {name} | {unit} | {count} | {spread(ours, digits)} | {peer_name} "
                f"{spread(theirs, digits)} | **{ratio:.3g}** | {aim} |")
    print(ROWS[-1], flush=True)


def bench_one_shot(service, ssh, count):
    pywinrm = ("import sys, winrm; s = winrm.Session(sys.argv[1], auth=('bench', "
               "open(sys.argv[2]).read().strip()), transport='basic'); "
               "sys.exit(s.run_cmd('true').status_code)")
    quiet = {"stdout": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    ours, python = in_turn(count, lambda: measured(service.run("true"), **quiet),
                           lambda: measured(["/usr/bin/python3", "-c", pywinrm,
                                             f"http://{service.address}/wsman",
                                             service.password_file], **quiet))
    row("one-shot `run true`, CPU of the client", "ms", count, [1000 * r[1] for r in ours],
        "pywinrm", [1000 * r[1] for r in python], "≤ 0.0167")
    ours, theirs = in_turn(count, lambda: measured(service.run("true"), **quiet),
                           lambda: measured(ssh.run("true"), **quiet))
    row("one-shot `run true`, wall", "ms", count, [1000 * r[0] for r in ours],
        "ssh with ControlMaster", [1000 * r[0] for r in theirs], "≤ 0.5")


def number(command):
    return [float(word) for word in
            subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()]


def bench_commands(service, floor_port, binaries, rounds, count):
    tool = os.path.join(binaries, "bench_commands")
    ours, floor, bare = in_turn(
        rounds,
        lambda: number([tool, "service", service.address, "bench", service.password_file,
                        str(count)])[0],
        lambda: number([tool, "floor", str(floor_port), str(count)])[0],
        lambda: number([tool, "spawn", str(count)])[0])
    row("commands on one open shell", "1/s", f"{rounds}×{count}", ours, "floor", floor, "≥ 0.9", 0)
    row("commands on one open shell", "1/s", f"{rounds}×{count}", ours, "bare spawn and wait", bare,
        "–", 0)


def bench_bulk(service, ssh, rounds, size, folder):
    source = os.path.join(folder, "bulk")
    with open(source, "wb") as file:
        block = os.urandom(1 << 20)
        for _ in range(size >> 20):
            file.write(block)
    os.chmod(source, 0o644)
    out = {"stdout": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    ours, theirs = in_turn(rounds, lambda: measured(service.run(f"cat {source}"), **out),
                           lambda: measured(ssh.run(f"cat {source}", shared=False), **out))
    mib = size >> 20
    row(f"{mib} MiB out", "MiB/s", rounds, [mib / r[0] for r in ours], "ssh aes128-gcm",
        [mib / r[0] for r in theirs], "≥ 1.6", 0)
    peak = [peak_memory(service.run(f"cat {source}"), **out) for _ in range(rounds)]
    ROWS.append(f"| peak memory of winrmc, {mib} MiB out | MiB | {rounds} | {spread(peak, 1)} | – | – | ≤ 10 |")
    print(ROWS[-1], flush=True)

    def with_input(command, measure=measured):
        with open(source, "rb") as file:
            return measure(command, stdin=file, stdout=subprocess.DEVNULL)

    ours, theirs = in_turn(rounds, lambda: with_input(service.run("cat >/dev/null")),
                           lambda: with_input(ssh.run("cat >/dev/null", shared=False)))
    row(f"{mib} MiB in", "MiB/s", rounds, [mib / r[0] for r in ours], "ssh aes128-gcm",
        [mib / r[0] for r in theirs], "≥ 1.6", 0)
    peak = [with_input(service.run("cat >/dev/null"), peak_memory) for _ in range(rounds)]
    ROWS.append(f"| peak memory of winrmc, {mib} MiB in | MiB | {rounds} | {spread(peak, 1)} | – | – | ≤ 10 |")
    print(ROWS[-1], flush=True)


MARK = b"the-first-output"


def until_mark(command, **kwargs):
    """Seconds from the start of a program until MARK has come from its terminal."""
    ours, theirs = pty.openpty()
    start = time.monotonic()
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs,
                               start_new_session=True, **kwargs)
    os.close(theirs)
    got = b""
    while MARK not in got:
        if not select.select([ours], [], [], 20)[0]:
            process.kill()
            raise Failure(f"no output from {command}: {got}")
        got += os.read(ours, 65536)
    elapsed = time.monotonic() - start
    process.kill()
    process.wait()
    os.close(ours)
    return elapsed


def bench_attach(service, tmux, count):
    tmux.start("mark", f"echo {MARK.decode()}; sleep 100000")

    def attach():
        shell = service.detached(f"echo {MARK.decode()}; sleep 100000")
        elapsed = until_mark(service.call("attach", shell))
        service.kill(shell)
        return elapsed

    ours, theirs = in_turn(count, attach, lambda: until_mark(
        [*tmux.command, "attach-session", "-t", "mark"], env=tmux.environment))
    row("attach to first output, whole program", "ms", count, [1000 * value for value in ours],
        "tmux attach", [1000 * value for value in theirs], "≤ 0.5", 1)
    return theirs


def bench_reconnect(service, binaries, folder, attaches, rounds, count):
    fifo = os.path.join(folder, "fifo")
    os.mkfifo(fifo)
    times = [number([os.path.join(binaries, "bench_reconnect"), service.address, "bench",
                     service.password_file, fifo, str(count)]) for _ in range(rounds)]
    exchanges = [number([os.path.join(binaries, "bench_exchange"), "service", service.address, "bench",
                         service.password_file, "2000"])[1] for _ in range(rounds)]
    total = f"{rounds}×{count}"
    row("WSManReconnectShell to first output, p50", "ms", total, [t[1] / 1000 for t in times],
        "tmux attach, whole program", [1000 * value for value in attaches], "≤ 0.5", 3)
    row("Disconnect + Reconnect, p50", "µs", total, [t[0] for t in times], "small exchange", exchanges,
        "–", 1)


def seconds_inside(start, command, size):
    """Runs a command line that writes `size` bytes somewhere; MiB/s by its own clock."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        result = os.path.join(folder, "result")
        undo = start(f"s=$(date +%s%N); {command}; e=$(date +%s%N); echo $((e - s)) >{result}.new; "
                     f"mv {result}.new {result}; sleep 100000")
        deadline = time.monotonic() + 120
        while not os.path.exists(result):
            if time.monotonic() > deadline:
                raise Failure(f"never ended: {command}")
            time.sleep(0.01)
        undo()
        with open(result) as file:
            return (size / (1 << 20)) / (int(file.read()) / 1e9)


def bench_unattended(service, tmux, count, size):
    line = b"".join(b"%c" % (33 + i % 94) for i in range(79)) + b"\n"
    names = itertools.count()
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as file:
        file.write(line * (size // 80))
        file.flush()
        os.chmod(file.name, 0o644)

        def ours(command):
            shell = service.detached(command, "--buffer", "drop")
            return lambda: service.kill(shell)

        def theirs(command):
            name = f"flood{next(names)}"
            tmux.start(name, command)
            return lambda: tmux.call("kill-session", "-t", name)

        rates = in_turn(count,
                        lambda: seconds_inside(ours, f"cat {' '.join([file.name] * 16)}", 16 * size),
                        lambda: seconds_inside(theirs, f"cat {file.name}", size))
    row("output taken in while nobody is attached (DROP)", "MiB/s", count, rates[0], "tmux, detached",
        rates[1], "≥ 50", 0)


def bench_death(service, count):
    """From SIGKILL of winrmd-net to the first line at the client that was printed afterwards."""
    times = []
    with subprocess.Popen(service.run("while :; do date +%s%N; done"), stdout=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
        client.stdout.readline()
        for _ in range(count):
            killed = time.time_ns()
            service.kill_net()
            while int(client.stdout.readline()) < killed:
                pass
            times.append((time.time_ns() - killed) / 1e6)
            for _ in range(50):
                client.stdout.readline()
        client.kill()
    ROWS.append(f"| SIGKILL of winrmd-net to the next byte at the client | ms | {count} | "
                f"{spread(times, 1)} | – | – | – |")
    print(ROWS[-1], flush=True)


class Killer:
    """Kills winrmd-net every 100 to 500 ms."""

    def __init__(self, service):
        self.service, self.count, self.rnd = service, 0, random.Random(1)

    def run(self):
        while not self.stopped.wait(self.rnd.uniform(0.1, 0.5)):
            self.service.kill_net()
            self.count += 1

    def __enter__(self):
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()


def bench_fire(service, binaries, rounds, size):
    """Throughput while something happens against the same while nothing does."""
    killer = Killer(service)

    def transfer(disconnects):
        result = subprocess.run(
            [os.path.join(binaries, "fire"), "out", service.address, "bench", service.password_file, "1",
             str(size // 2), "1", str(disconnects)], check=True, text=True, stdout=subprocess.PIPE,
            env={**os.environ, "FIRE_WORDS": os.path.join(binaries, "words")})
        return (size >> 20) / float(result.stdout.split()[0])

    def under_fire():
        with killer:
            return transfer(0)

    plain, killed, left = in_turn(rounds, lambda: transfer(0), under_fire, lambda: transfer(50))
    mib = size >> 20
    row(f"{mib} MiB out, winrmd-net killed every 100–500 ms ({killer.count} times)", "MiB/s", rounds, killed,
        "undisturbed", plain, "≥ 0.97", 0)
    row(f"{mib} MiB out, shell left and taken up 50 times", "MiB/s", rounds, left, "undisturbed", plain,
        "≥ 0.97", 0)


def bench_baseline(service, baseline, rounds, size, folder):
    """All rules of exactly once against the release before them, each client with its own service."""
    os.mkdir(os.path.join(folder, "baseline"))
    before = Service(os.path.join(os.path.abspath(baseline), "bin"), os.path.join(folder, "baseline"))
    out = {"stdout": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    command = f"head -c {size} /dev/zero"
    try:
        ours, theirs = in_turn(rounds, lambda: measured(service.run(command), **out),
                               lambda: measured(before.run(command), **out))
    finally:
        before.stop()
    mib = size >> 20
    row(f"{mib} MiB out, all rules of exactly once", "MiB/s", rounds, [mib / r[0] for r in ours],
        "build of --baseline", [mib / r[0] for r in theirs], "≥ 0.97", 0)


def bench_exchange(service, floor_port, binaries, rounds, count):
    tool = os.path.join(binaries, "bench_exchange")
    ours, floor, ping = in_turn(
        rounds,
        lambda: number([tool, "service", service.address, "bench", service.password_file,
                        str(count)]),
        lambda: number([tool, "floor", str(floor_port), str(count)]),
        lambda: number([tool, "pingpong", str(count)]))
    total = f"{rounds}×{count}"
    row("small exchange, p50", "µs", total, [r[1] for r in ours], "floor", [r[1] for r in floor],
        "≤ 1.3", 1)
    row("small exchange, p50", "µs", total, [r[1] for r in ours], "1 KiB ping-pong",
        [r[1] for r in ping], "–", 1)
    row("small exchange, p99 against its p50", "µs", total, [r[2] for r in ours], "p50",
        [r[1] for r in ours], "≤ 3", 1)


def main():
    parser = argparse.ArgumentParser(description="Runs the measurements.")
    parser.add_argument("build", help="build folder, of the preset release")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--baseline", help="build folder of an earlier release to compare with")
    parser.add_argument("--only", default="", help="names of the measurements, with commas between")
    arguments = parser.parse_args()
    binaries = os.path.join(os.path.abspath(arguments.build), "bin")
    quick = arguments.quick
    only = set(filter(None, arguments.only.split(",")))
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True,
                            text=True, cwd=os.path.dirname(os.path.abspath(__file__))).stdout.strip()
    print(f"commit {commit}, {os.cpu_count()} cores; median (minimum–maximum)\n")
    header = ("| what | unit | N | ours | peer | ratio | aim |", "|---|---|---|---|---|---|---|")
    print("\n".join(header), flush=True)
    started = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            service = Service(binaries, folder)
            started.append(service)
            ssh = Ssh(folder)
            started.append(ssh)
            tmux = Tmux(folder)
            started.append(tmux)
            floor = subprocess.Popen([os.path.join(binaries, "bench_floor")], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True)
            port = int(floor.stdout.readline().split()[-1])
            size = GIB // 8 if quick else GIB

            def bench_again():
                attaches = bench_attach(service, tmux, 5 if quick else 20)
                bench_reconnect(service, binaries, folder, attaches, 3, 50 if quick else 300)

            benches = {
                "one-shot": lambda: bench_one_shot(service, ssh, 5 if quick else 20),
                "commands": lambda: bench_commands(service, port, binaries, 3, 100 if quick else 500),
                "exchange": lambda: bench_exchange(service, port, binaries, 3, 2000 if quick else 20000),
                "bulk": lambda: bench_bulk(service, ssh, 3 if quick else 5, size, folder),
                "again": bench_again,
                "unattended": lambda: bench_unattended(service, tmux, 3 if quick else 5, 16 << 20 if quick else 64 << 20),
                "death": lambda: bench_death(service, 5 if quick else 20),
                "fire": lambda: bench_fire(service, binaries, 3 if quick else 5, 2 * size),
            }
            if arguments.baseline:
                benches["baseline"] = lambda: bench_baseline(service, arguments.baseline, 5, size, folder)
            for name, bench in benches.items():
                if not only or name in only:
                    bench()
            floor.stdin.close()
            floor.wait()
        finally:
            for peer in reversed(started):
                peer.stop()


if __name__ == "__main__":
    try:
        main()
    except (Failure, subprocess.CalledProcessError) as failure:
        sys.exit(f"bench: {failure}")
