#!/usr/bin/python3
"""Stock clients that say nothing about what they have got: each Receive has a new MessageID, connections are used
again or there is one for each request. On healthy connections no byte is doubled or lost.

Usage: stock_client_test.py BIN-FOLDER
"""
import os
import subprocess
import sys
import threading
import unittest

import requests

from rawsoap import Answer, TIMED_OUT, command, create, delete, receive, send, signal, stream
from service import Service

BIN = os.path.abspath(sys.argv.pop(1))
USERS = {"alice": "wonderland"}
HEADERS = {"Content-Type": "application/soap+xml;charset=UTF-8"}
SIZE = 3 << 20


def words(seed, count):
    return subprocess.run([f"{BIN}/words", "make", str(seed), str(count)], check=True, capture_output=True).stdout


class Client:
    """What the tests below do, with a way to post."""

    def __init__(self, service, post):
        self.service, self.send_request = service, post

    def post(self, body, **more):
        response = self.send_request(self.service.url, data=body.encode(), headers=HEADERS, auth=("alice", "wonderland"),
                                     timeout=40, **more)
        return response if more.get("stream") else Answer(response.status_code, "", response.content)

    def call(self, body):
        answer = self.post(body)
        assert answer.status == 200, answer.text
        return answer

    def open(self):
        self.shell = self.call(create()).find("ShellId")

    def start(self, line):
        return self.call(command(self.shell, line)).find("CommandId")

    def collect(self, command_id, max_size=153600):
        out, err = b"", b""
        while True:
            answer = self.post(receive(self.shell, command_id, max_size=max_size))
            if answer.fault == TIMED_OUT:
                continue
            assert answer.status == 200, answer.text
            out += answer.output()
            err += answer.output("stderr")
            if answer.done:
                return out, err, answer.exit_code


class Stock:
    """What both kinds of client go through."""

    @classmethod
    def setUpClass(cls):
        cls.service = Service(BIN, USERS).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.service.__exit__()

    def setUp(self):
        self.client = Client(self.service, self.poster())
        self.client.open()
        self.addCleanup(lambda: self.client.call(delete(self.client.shell)))

    def assert_words(self, seed, size, got):
        out, err, code = got
        self.assertTrue(out == words(seed, size), f"stdout: {len(out)} bytes")
        self.assertTrue(err == words(seed + 1000, size), f"stderr: {len(err)} bytes")
        self.assertEqual(code, 0)

    def test_bulk_of_both_streams(self):
        for seed, max_size in ((1, 153600), (2, 512000)):
            command_id = self.client.start(f"{BIN}/words both {seed} {SIZE} 5000")
            self.assert_words(seed, SIZE, self.client.collect(command_id, max_size))

    def test_many_small_answers(self):
        command_id = self.client.start("cat")
        out = b""
        for i in range(100):
            self.client.call(send(self.client.shell, stream(b"%d " % i, command_id)))
            while len(out) < len(b"".join(b"%d " % n for n in range(i + 1))):
                out += self.client.call(receive(self.client.shell, command_id)).output()
        self.client.call(send(self.client.shell, stream(b"end", command_id, end=True)))
        out += self.client.collect(command_id)[0]
        self.assertEqual(out, b"".join(b"%d " % i for i in range(100)) + b"end")

    def test_commands_one_after_the_other(self):
        for i in range(20):
            command_id = self.client.start(f"echo {i}; exit {i}")
            self.assertEqual(self.client.collect(command_id), (b"%d\n" % i, b"", i))
            self.client.call(signal(self.client.shell, command_id))

    def test_commands_at_once(self):
        failures = []

        def run(seed):
            try:
                client = Client(self.service, self.poster())
                client.shell = self.client.shell
                self.assert_words(seed, 300000, client.collect(client.start(f"{BIN}/words both {seed} 300000 700")))
            except BaseException as failure:  # into the main thread
                failures.append(failure)

        threads = [threading.Thread(target=run, args=(seed,)) for seed in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def test_answer_that_was_thrown_away_comes_again(self):
        command_id = self.client.start(f"{BIN}/words both 9 100000 5000")
        for _ in range(3):
            response = self.client.post(receive(self.client.shell, command_id, max_size=512000), stream=True)
            self.assertEqual(response.status_code, 200)
            response.close()  # its bytes were not read: a reset
        self.assert_words(9, 100000, self.client.collect(command_id))


class Reused(Stock, unittest.TestCase):
    """One session: its connections are kept and used again."""

    def poster(self):
        session = requests.Session()
        self.addCleanup(session.close)
        return session.post


class Single(Stock, unittest.TestCase):
    """A connection for each request, as requests does without a session."""

    def poster(self):
        return requests.post


if __name__ == "__main__":
    unittest.main()
