"""Exactly once under fire: commands write words that say where they stand to both streams, or read
them, while connections are cut, processes of the service killed, shells left and taken up again,
and clients killed. Every byte, every exit code, every callback must be right.

WSM_SEED chooses the faults, WSM_LONG=1 full sizes (tools/test.sh --long)."""
import hashlib
import os
import random
import re
import subprocess
import sys
import threading
import time
import unittest

from proxy import Proxy
from service import Service, wait_for

BIN = os.path.abspath(sys.argv.pop(1))
SEED = int(os.environ.get("WSM_SEED", "1"))
LONG = os.environ.get("WSM_LONG") == "1"
BYTES = 64 << 20 if LONG else 1 << 20
COMMANDS = 20
PASSWORD = "wonderland"
WORDS = os.path.join(BIN, "words")


class Fire:
    """Does something again and again, at times of a seed, until it is told to stop."""

    def __init__(self, name, shoot, shortest, longest):
        self.shoot, self.shortest, self.longest = shoot, shortest, longest
        self.rnd = random.Random(f"{SEED} {name}")
        self.name, self.count, self.error = name, 0, None
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        try:
            while not self.stopped.wait(self.rnd.uniform(self.shortest, self.longest)):
                self.count += self.shoot()
        except BaseException as error:  # the test raises it
            self.error = error

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()
        if self.error:
            raise self.error


class FireTest(unittest.TestCase):
    def setUp(self):
        self.service = Service(BIN, {"alice": PASSWORD}, {"MaxShellsPerUser": "1000"}).__enter__()
        self.addCleanup(self.service.__exit__)
        self.password_file = os.path.join(self.service.folder, "password")
        with open(self.password_file, "w") as file:
            file.write(PASSWORD + "\n")
        self.guard = threading.Lock()  # the monitor is there, or is being killed
        print(f"{self.id()}: seed {SEED}", file=sys.stderr, flush=True)

    # What is shot with.

    def kill_net(self):
        with self.guard:
            nets = self.service.children("winrmd-net")
            for pid in nets:
                os.kill(pid, 9)
        return len(nets)

    def kill_monitor(self):
        with self.guard:
            self.service.process.kill()
            self.service.process.wait()
            self.service.process.stdout.close()
            self.service.start()
        return 1

    def net_fire(self, shortest=0.1):
        return Fire("net", self.kill_net, shortest, 0.5)

    def monitor_fire(self):
        return Fire("monitor", self.kill_monitor, 0.5, 1.5)

    # What is shot at.

    def fire(self, verb, seed, rounds=0, port=None, is_link_bad=False, commands=COMMANDS, size=BYTES,
             may_be_refused=False):
        """What the client said. None: it came at a moment in which nobody listened, which is an error at
        once, as it should be."""
        environment = {**os.environ, "FIRE_WORDS": WORDS, "FIRE_DEADLINE": "600" if LONG else "50",
                       "FIRE_LINK": "bad" if is_link_bad else "good"}
        done = subprocess.run(
            [os.path.join(BIN, "fire"), verb, f"127.0.0.1:{port or self.service.port}", "alice",
             self.password_file, str(commands), str(size), str(seed), str(rounds)],
            env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if may_be_refused and re.search(r"^WSManCreateShell: .*connection refused$", done.stdout + done.stderr, re.M):
            return None
        if done.returncode != 0:
            self.fail(f"seed {seed}, ended with {done.returncode}\n{done.stdout}{done.stderr[:6000]}\n"
                      f"log of the service:\n{self.service.log()[-4000:]}")
        return done.stdout

    def until(self, hits, wanted, *arguments, **options):
        """Runs clients until so many shots were fired; at least one."""
        seed, result = SEED * 1000, []
        while not result or hits() < wanted:
            said = self.fire(*arguments, seed, **options)
            seed += COMMANDS
            if said is not None:
                result.append(said)
        print(f"{self.id()}: {hits()} shots at {len(result)} clients: {result[-1].splitlines()[-1]}",
              file=sys.stderr, flush=True)
        return result

    def hashes_are_right(self, results, size=BYTES):
        for result in results:
            lines = re.findall(r"^input (\d+) (\w{64})$", result, re.M)
            self.assertTrue(lines)
            for seed, digest in lines:
                made = subprocess.run([WORDS, "make", seed, str(size)], check=True, capture_output=True)
                self.assertEqual(hashlib.sha256(made.stdout).hexdigest(), digest, f"seed {seed}")


class OutputTest(FireTest):
    def test_nothing_happens(self):
        self.fire("out", SEED)

    def test_connections_are_cut(self):
        with Proxy(BIN, self.service.port, SEED) as proxy:
            self.until(lambda: proxy.cuts, 60, "out", port=proxy.port)

    def test_net_is_killed(self):
        with self.net_fire() as shots:
            self.until(lambda: shots.count, 8, "out")

    def test_monitor_is_killed(self):
        with self.monitor_fire() as shots:
            self.until(lambda: shots.count, 3, "out", may_be_refused=True)

    def test_shell_is_left_and_taken_up(self):
        self.fire("out", SEED, rounds=50, size=max(BYTES, 4 << 20))

    def test_all_of_it(self):
        with Proxy(BIN, self.service.port, SEED + 1) as proxy, self.net_fire() as nets, self.monitor_fire() as monitors:
            self.until(lambda: min(nets.count // 3, monitors.count, proxy.cuts // 10), 2, "out", rounds=5,
                       port=proxy.port, is_link_bad=True)


class InputTest(FireTest):
    COMMANDS = 4

    def test_nothing_happens(self):
        self.hashes_are_right([self.fire("in", SEED, commands=self.COMMANDS)])

    def test_connections_are_cut(self):
        with Proxy(BIN, self.service.port, SEED) as proxy:
            self.hashes_are_right(self.until(lambda: proxy.cuts, 60, "in", port=proxy.port, commands=self.COMMANDS))

    def test_net_is_killed(self):
        with self.net_fire() as shots:
            self.hashes_are_right(self.until(lambda: shots.count, 8, "in", commands=self.COMMANDS))

    def test_shell_is_left_and_taken_up(self):
        self.hashes_are_right([self.fire("in", SEED, rounds=50, commands=self.COMMANDS)])

    def test_all_of_it(self):
        # With two shells only, a net is often killed before it has served anybody, and then started
        # again later and later.
        with Proxy(BIN, self.service.port, SEED + 1) as proxy, self.net_fire(0.4) as nets:
            self.hashes_are_right(self.until(lambda: min(nets.count // 3, proxy.cuts // 10), 2, "in", rounds=5,
                                             port=proxy.port, is_link_bad=True, commands=self.COMMANDS))


class ClientTest(FireTest):
    """The client itself is killed and another attaches where the file ends."""

    def winrmc(self, verb, *arguments):
        return [os.path.join(BIN, "winrmc"), verb, "--password-file", self.password_file,
                f"alice@127.0.0.1:{self.service.port}", *arguments]

    def transfer(self, number, size, kills, errors):
        try:
            self.attach_again_and_again(number, size, kills)
        except BaseException as error:  # the test's thread raises it
            errors.append(error)

    def attach_again_and_again(self, number, size, kills):
        seed, code = SEED * 1000 + number, number * 7 % 90
        rnd = random.Random(seed)
        names = [os.path.join(self.service.folder, f"{number}.{stream}") for stream in ("out", "err")]
        files = [open(name, "ab") for name in names]
        shell = subprocess.run(
            self.winrmc("run", "--detach", "--", f"{WORDS} both {seed} {size} 60000; exit {code}"),
            check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout.strip()
        thresholds = sorted(rnd.randrange(size * 3 // 2) for _ in range(kills))
        for due in thresholds + [None]:
            at = [os.path.getsize(name) for name in names]
            client = subprocess.Popen(self.winrmc("attach", "--take", "--resume-at", f"{at[0]},{at[1]}", shell),
                                      stdin=subprocess.DEVNULL, stdout=files[0], stderr=files[1])
            while due is not None and client.poll() is None and sum(os.path.getsize(name) for name in names) < due:
                time.sleep(0.001)
            if due is not None:
                client.kill()
            status = client.wait(600 if LONG else 50)
            if status != -9:
                break
            self.hits += 1
        with open(names[1], "rb") as file:
            words = file.read().rpartition(b"winrmc: ")[2] if status != code else b""
        if status == 70 and at == [size, size] and words.split(b": ")[1].startswith(b"no shell"):
            os.truncate(names[1], size)  # the last one was killed when it had deleted the shell already
            self.late += 1
            status = code
        self.assertEqual(status, code, f"{number}: attached at {at}: {words[-300:]}")
        for name, stream_seed in zip(names, (seed, seed + 1000)):
            with open(name, "rb") as file:
                checked = subprocess.run([WORDS, "check", str(stream_seed), "0", str(size)], stdin=file,
                                         capture_output=True, text=True)
            self.assertEqual(checked.returncode, 0, f"{name}: {checked.stdout}")

    def test_clients_are_killed_and_others_attach(self):
        errors = []
        self.hits = self.late = 0
        size = BYTES if LONG else 4 << 20
        threads = [threading.Thread(target=self.transfer, args=(number, size, 5, errors)) for number in range(COMMANDS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]
        print(f"{self.id()}: {self.hits} clients killed, {self.late} of them after their last word", file=sys.stderr)
        self.assertLess(self.late, COMMANDS // 2)
        self.assertGreater(self.hits, COMMANDS)


class LeakTest(FireTest):
    """Two hundred rounds of disconnect and reconnect leave nothing behind."""

    def facts(self, pids):
        facts = {}
        for name, pid in pids.items():
            facts[name, "descriptors"] = len(os.listdir(f"/proc/{pid}/fd"))
            facts[name, "threads"] = len(os.listdir(f"/proc/{pid}/task"))
        return facts

    def memory(self, pids):
        result = {}
        for name, pid in pids.items():
            with open(f"/proc/{pid}/status") as status:
                result[name] = int(re.search(r"^VmRSS:\s+(\d+) kB", status.read(), re.M)[1])
        return result

    def is_sanitized(self, pid):
        with open(f"/proc/{pid}/maps") as maps:
            return re.search(r"lib[at]san", maps.read()) is not None

    def hosts(self):
        return [name for name in os.listdir(self.service.settings["RunDirectory"]) if name.endswith(".host")]

    def rounds(self, client, count):
        client.stdin.write(f"{count}\n")
        client.stdin.flush()
        self.assertEqual(client.stdout.readline(), "done\n")

    def test_rounds_leak_nothing(self):
        client = subprocess.Popen(
            [os.path.join(BIN, "fire"), "rounds", f"127.0.0.1:{self.service.port}", "alice", self.password_file],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(client.kill)
        self.rounds(client, 20)  # what is set up once is there
        record = os.path.join(self.service.settings["RunDirectory"], self.hosts()[0])
        with open(record) as file:
            host = int(re.search(r"^pid=(\d+)$", file.read(), re.M)[1])
        pids = {"client": client.pid, "net": self.service.children("winrmd-net")[0], "host": host,
                "monitor": self.service.process.pid, "auth": self.service.children("winrmd-auth")[0]}
        before, memory = self.facts(pids), self.memory(pids)
        self.rounds(client, 200)
        # The threads of callbacks end by themselves when they are idle, and connections that
        # are not needed are closed by then.
        wait_for(lambda: all(now <= before[what] for what, now in self.facts(pids).items()),
                 f"descriptors and threads as before: {before}, {self.facts(pids)}", 15)
        if not self.is_sanitized(pids["net"]):
            for name, now in self.memory(pids).items():
                self.assertLess(now, memory[name] + 512, f"KiB of {name}: {memory[name]} -> {now}")
        self.assertEqual(len(self.hosts()), 1)
        client.stdin.close()
        self.assertEqual(client.wait(50), 0)
        client.stdout.close()
        wait_for(lambda: not self.hosts(), "no host is left")


if __name__ == "__main__":
    unittest.main()
