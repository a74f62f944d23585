#!/usr/bin/python3
"""A command that goes from one client to the next, each of which lets go of it in order: nobody has to say where to
go on, and every byte comes once. Stops are put in the middle of output, with Receives under way.

WSM_SEED chooses the places. Usage: hand_over_test.py BIN-FOLDER
"""
import json
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
import unittest

import rawsoap
from service import Service, wait_for

BIN = os.path.abspath(sys.argv.pop(1))
WORDS = os.path.join(BIN, "words")
SEED = int(os.environ.get("WSM_SEED", "1"))
ROUNDS = 8
LEFT, NOT_WRITTEN = 75, 74


def words(seed, size):
    return subprocess.run([WORDS, "make", str(seed), str(size)], check=True, capture_output=True).stdout


class HandOver(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = cls.enterClassContext(Service(BIN, users={"alice": "wonderland"}))
        cls.host = f"alice@{cls.service.host}:{cls.service.port}"
        cls.environment = dict(os.environ, WINRMC_PASSWORD="wonderland")

    def setUp(self):
        self.random = random.Random(f"{SEED} {self.id()}")

    def winrmc(self, *arguments, **more):
        more.setdefault("stderr", subprocess.PIPE)
        return subprocess.Popen([os.path.join(BIN, "winrmc"), *arguments], env=self.environment,
                                stdin=subprocess.DEVNULL, **more)

    def listed(self, shell=None):
        with self.winrmc("ps", "--json", self.host, stdout=subprocess.PIPE) as client:
            shells = json.load(client.stdout)
        return next(item for item in shells if shell in (None, item["shellId"]))

    def follow(self, arguments, due):
        """Lets the client go when it has written `due` bytes: what it wrote, standard error and exit code. None: to
        the end."""
        with self.winrmc(*arguments, stdout=subprocess.PIPE, bufsize=0) as client:
            errors = []
            reader = threading.Thread(target=lambda: errors.append(client.stderr.read()))
            reader.start()
            got = bytearray()
            while due is None or len(got) < due:
                piece = client.stdout.read(min(65536, due - len(got)) if due is not None else 65536)
                if not piece:
                    break
                got += piece
            if due is not None:  # the pipe fills up meanwhile, and a callback waits within
                time.sleep(self.random.choice((0, 0, 0.01, 0.05)))
                client.send_signal(signal.SIGHUP)
                client.wait(30)
            while piece := client.stdout.read(65536):
                got += piece
            reader.join()
            return bytes(got), errors[0], client.wait(30)

    def own(self, text):
        """What winrmc itself has said goes last."""
        at = text.find(b"winrmc: ")
        return text if at < 0 else text[:at]

    def assert_same(self, got, expected, note):
        if got != expected:
            at = next((i for i, (a, b) in enumerate(zip(got, expected)) if a != b), min(len(got), len(expected)))
            self.fail(f"{note}: differs from byte {at} on ({len(got)} of {len(expected)} bytes)")

    def start(self, seed, size, stops, *options, line="{words} both {seed} {size} 30000"):
        """The first client, and those after it up to the one that lets go last: bytes of both streams, the shell."""
        streams = [bytearray(), bytearray()]
        line = line.format(words=WORDS, seed=seed, size=size) + "; exit 9"
        arguments = ("run", *options, self.host, "--", line)
        for due in stops:
            out, err, status = self.follow(arguments, due)
            self.assertEqual(status, LEFT, err[-300:])
            streams[0] += out
            streams[1] += self.own(err)
            shell = self.listed()["shellId"]
            arguments = ("attach", self.host, shell)
        return streams, shell

    def test_every_byte_comes_once(self):
        size = 3 << 20
        for number in range(ROUNDS):
            seed = SEED * 100 + number
            stops = [self.random.randrange(1, size // 6) for _ in range(4)]
            streams, shell = self.start(seed, size, stops)
            out, err, status = self.follow(("attach", self.host, shell), None)
            self.assertEqual(status, 9, err[-300:])
            for got, rest, stream_seed in ((streams[0], out, seed), (streams[1], err, seed + 1000)):
                self.assert_same(bytes(got) + rest, words(stream_seed, size), f"round {number}, let go after {stops}")

    def test_file_that_is_full(self):
        size = 1 << 20
        seed = SEED * 100 + 50
        out = os.path.join(self.service.folder, "full")
        limit = self.random.randrange(1000, size // 2)
        with open(out, "wb") as file:
            client = self.winrmc("run", self.host, "--", f"{WORDS} make {seed} {size}; exit 9", stdout=file,
                                 preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
            err = client.communicate(timeout=60)[1]
        self.assertEqual(client.returncode, NOT_WRITTEN, err)
        with open(out, "rb") as file:
            written = file.read()
        self.assertEqual(len(written), limit)
        rest, err, status = self.follow(("attach", self.host, self.listed()["shellId"]), None)
        self.assertEqual(status, 9, err)
        self.assert_same(written + rest, words(seed, size), f"full at {limit}")

    def test_reader_that_goes_away(self):
        size = 1 << 20
        for number in range(3):
            seed = SEED * 100 + 60 + number
            streams, shell = self.start(seed, size, [self.random.randrange(1, size // 4)],
                                        line="{words} make {seed} {size}")
            with self.winrmc("attach", self.host, shell, stdout=subprocess.PIPE, bufsize=0) as client:
                got = client.stdout.read(1)
                client.stdout.close()  # what is in the pipe counts as written, as it does for everybody
                err = client.stderr.read()
            self.assertIn(b"attach with: ", err, f"{number} {client.returncode} {got} {len(streams[0])}")
            written = int(err.partition(b"--resume-at ")[2].split(b",")[0])
            self.assertGreaterEqual(written, len(streams[0]) + len(got))
            rest, err, status = self.follow(("attach", self.host, shell), None)
            self.assertEqual(status, 9, err[-300:])
            self.assert_same(rest, words(seed, size)[written:], f"behind {written}")

    def test_mode_drop_loses_nothing_that_was_served(self):
        size = 6 << 20
        for number in range(3):
            seed = SEED * 100 + 70 + number
            streams, shell = self.start(seed, size, [self.random.randrange(1, 1 << 20)], "--buffer", "drop")
            wait_for(lambda: self.listed(shell)["commands"][0]["state"] == "Done", "the command ends by itself")
            counters = self.listed(shell)["commands"][0]["streams"]
            out, err, status = self.follow(("attach", self.host, shell), None)
            self.assertEqual(status, 9, err[-300:])
            gone = [counters[name]["dropped"] for name in ("stdout", "stderr")]
            self.assertIn(b": %d bytes of standard output and %d of standard error were dropped" % tuple(gone), err)
            for name, got, rest, stream_seed in (("stdout", streams[0], out, seed),
                                                 ("stderr", streams[1], self.own(err), seed + 1000)):
                expected = words(stream_seed, size)
                at = len(got)
                gone = counters[name]["dropped"]
                self.assert_same(bytes(got), expected[:at], "first client")
                self.assertEqual(counters[name]["confirmed"], at)
                self.assertEqual(at + gone + len(rest), size, str(counters))
                same = len(os.path.commonprefix((rest, expected[at:])))
                self.assertGreaterEqual(at + same, counters[name]["served"])
                self.assert_same(rest[same:], expected[at + same + gone:], f"behind the gap of {gone}")

    def test_stock_client_goes_on(self):
        size = 2 << 20
        for number in range(4):
            seed = SEED * 100 + 80 + number
            streams, shell = self.start(seed, size, [self.random.randrange(1, size // 4) for _ in range(2)])
            command = self.listed(shell)["commands"][0]["commandId"]
            session = "uuid:" + rawsoap.guid()
            with rawsoap.Conn(self.service) as conn:
                answer = conn.call(rawsoap.connect(shell, session=session))
                self.assertEqual(answer.status, 200, answer.text)
                out, err, status = rawsoap.collect(conn, shell, command, session=session)
                conn.call(rawsoap.delete(shell, session=session))
            self.assertEqual(status, 9)
            for got, rest, stream_seed in ((streams[0], out, seed), (streams[1], err, seed + 1000)):
                self.assert_same(bytes(got) + rest, words(stream_seed, size), f"round {number}")


if __name__ == "__main__":
    unittest.main()
