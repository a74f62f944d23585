"""Death at any time: each process of the service is killed at random under load, by seed. After
each the service answers again; at the end nothing is left that should not be, and a shell that
was there from the start has lost nothing."""
import os
import random
import subprocess
import sys
import unittest

import rawsoap as soap
from rawsoap import Closed, Conn, IDENTIFY, open_shell, start
from service import Service, wait_for

BIN = sys.argv.pop(1)
ROUNDS = int(os.environ.get("WSM_ROUNDS", "25"))
SEED = int(os.environ.get("WSM_SEED", "1"))
KILL = 9
PASSWORD = "wonderland"
LINES = ["seq 1 200000", "cat", "sleep 30", "echo a; sleep 0.05; echo b", "yes | head -c 3000000"]


def start_of(pid):
    """Start time of a process that lives; None for one that does not."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]


class DeathTest(unittest.TestCase):
    def setUp(self):
        self.service = Service(BIN, {"alice": PASSWORD}, {"MaxShellsPerUser": "1000"}).__enter__()
        self.addCleanup(self.service.__exit__)
        self.rnd = random.Random(SEED)
        self.run = self.service.settings["RunDirectory"]
        self.seen = {}  # process id of every host seen: its start time

    def entries(self, ending):
        return {name[:-len(ending)] for name in os.listdir(self.run) if name.endswith(ending)}

    def hosts(self):
        """The hosts of this service alone, by its own records: shell id, process id."""
        found = {}
        for name in self.entries(".host"):
            try:
                with open(os.path.join(self.run, name + ".host")) as record:
                    fields = dict(line.rstrip("\n").split("=", 1) for line in record)
            except FileNotFoundError:
                continue
            pid = int(fields["pid"])
            if start_of(pid) == fields["start"]:
                found[fields["shell"]] = pid
                self.seen[pid] = fields["start"]
        return found

    def client(self):
        return subprocess.Popen(
            [os.path.join(BIN, "winrmc"), "run", f"alice@127.0.0.1:{self.service.port}", "--", self.rnd.choice(LINES)],
            env={**os.environ, "WINRMC_PASSWORD": PASSWORD}, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)

    def kill(self, what, clients):
        if what == "monitor":
            self.service.process.kill()
            self.service.process.wait()
            self.service.process.stdout.close()
            self.service.start()
        elif what == "client":
            clients[0].kill()
        elif what == "host":
            for pid in [pid for shell, pid in self.hosts().items() if shell != self.kept][:1]:
                os.kill(pid, KILL)
        else:
            for name in what.split():
                for pid in self.service.children(name):
                    os.kill(pid, KILL)

    def answers(self):
        try:
            with Conn(self.service) as conn:
                return conn.call(IDENTIFY).status == 200
        except (OSError, Closed):
            return False

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.service.process.pid}/fd"))

    def settled(self):
        """Entries, records and living hosts agree."""
        hosts = self.hosts()
        return len(hosts) == len(self.entries(".sock")) == len(self.entries(".host"))

    def delete_all(self, conn):
        for shell, pid in self.hosts().items():
            answer = conn.call(soap.delete(shell))
            if answer.fault == soap.UNKNOWN:  # net died before it told the host; that leaves after 30 s
                os.kill(pid, KILL)
            else:
                self.assertEqual(answer.status, 200, answer.text)

    def swept(self):
        return not self.entries(".sock") and not self.entries(".host")

    def test_service_outlives_its_parts(self):
        before = self.descriptors()
        with Conn(self.service) as conn:
            self.kept = open_shell(conn)
            command = start(conn, self.kept, "while read x; do echo got $x; done; exit 9")
        for number in range(ROUNDS):
            what = self.rnd.choice(["winrmd-net", "winrmd-auth", "winrmd-net winrmd-auth", "monitor", "host", "client"])
            clients = [self.client() for _ in range(3)]
            # Anywhere in the life of a client: nothing to wait for but its being there.
            for _ in range(self.rnd.randrange(200)):
                self.hosts()
            self.kill(what, clients)
            for client in clients:
                client.kill()
                client.stdin.close()
                client.wait()
            wait_for(self.answers, f"round {number}: an answer after the death of {what}")
        wait_for(self.settled, "entries of the run directory and hosts agree", 40)
        with Conn(self.service) as conn:
            answer = conn.call(soap.send(self.kept, soap.stream(b"1\n", command, end=True)))
            self.assertEqual(answer.status, 200, answer.text)
            self.assertEqual(soap.collect(conn, self.kept, command), (b"got 1\n", b"", 9))
            self.delete_all(conn)
        wait_for(self.swept, "an empty run directory", 60)
        wait_for(lambda: not [pid for pid, began in self.seen.items() if start_of(pid) == began], "the end of all hosts")
        wait_for(lambda: self.descriptors() == before, "the monitor's descriptors are those of the start")


if __name__ == "__main__":
    unittest.main()
