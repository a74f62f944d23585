#!/usr/bin/python3
"""Exactly once for clients that say what they have got or repeat themselves (docs/exactly-once.md, rules a and b,
repetition), seen from the wire. What connections prove for the others: net_delivery_test.py.

Usage: net_exactly_once_test.py BIN-FOLDER
"""
import os
import random
import re
import select
import subprocess
import sys
import tempfile
import threading
import unittest

from rawsoap import (Closed, Conn, IDENTIFY, TIMED_OUT, UNKNOWN, collect, command, connect, create, delete, disconnect,
                     guid, message_id, open_shell, receive, reconnect, send, signal, start, stream)
from service import Service, wait_for

BIN = os.path.abspath(sys.argv.pop(1))
REPLACED = 2150859047
CONFLICT_SHELL = 2150859223
CONFLICT_COMMAND = 2150859222
OPTION_UNKNOWN = 2150858737
OPTION_INVALID = 2150858736
OPTION_INVALID_VALUE = 2150858809
INVALID = 87
LET_GO = 2150859230
DISCONNECTED = 2150859204
TAKEN = 2150859213
BUSY = 170
USERS = {"alice": "wonderland", "bob": "builder"}
STREAMS = ("stdout", "stderr")
ANNOUNCED = ("WINRMD_CLIENT", "1", False)
MARK = '<Extensions xmlns="urn:winrmd:shell" Version="1"/></rsp:Shell>'
BROKEN = (Closed, ConnectionError, BrokenPipeError)


def words(seed, count):
    """What `words both seed count` writes to each stream."""
    return {name: subprocess.run([f"{BIN}/words", "make", str(seed + 1000 * i), str(count)], check=True,
                                 capture_output=True).stdout for i, name in enumerate(STREAMS)}


class Base(unittest.TestCase):
    session = None
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.service = Service(BIN, USERS).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.service.__exit__()

    def setUp(self):
        self.control = self.connect()
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.make_shell()

    def make_shell(self):
        self.shell = open_shell(self.control, shell_id=guid(), session=self.session, options=self.options)
        self.addCleanup(lambda: self.connect().call(delete(self.shell)))

    def connect(self, **more):
        conn = Conn(self.service, **more)
        self.addCleanup(conn.close)
        return conn

    def start(self, line):
        self.command = start(self.control, self.shell, line.replace("&", "&amp;").replace("<", "&lt;"),
                             session=self.session)
        return self.command

    def feed(self, data, end=False, conn=None, **more):
        answer = (conn or self.control).call(self.input(data, end, **more))
        self.assertEqual(answer.status, 200, answer.text)

    def input(self, data, end=False, **more):
        return send(self.shell, stream(data, self.command, end=end), session=self.session, **more)

    def request(self, word=None, **more):
        options = (("WINRMD_FROM", word, False),) if word else ()
        return receive(self.shell, self.command, options=options, session=self.session, **more)

    def receive(self, conn, word=None, **more):
        return conn.call(self.request(word, **more))

    def assert_fault(self, answer, code, *texts):
        self.assertEqual(answer.fault, code, answer.text)
        for text in texts:
            self.assertIn(text, answer.text)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def assert_written(self, name):
        """Waits for what a command writes to say how far it is."""
        wait_for(lambda: os.path.exists(self.path(name)), f"the command writes {name}")


class MarkedBase(Base):
    """A client of ours: announced, with a session."""
    session = "uuid:AAAAAAAA-0000-4000-8000-000000000001"
    options = (ANNOUNCED,)


class Mark(MarkedBase):
    def test_create_of_a_client_that_announces_itself_is_marked(self):
        answer = self.control.call(create(shell_id=guid(), session=self.session, options=self.options))
        self.assertIn(MARK, answer.text)

    def test_other_clients_see_nothing_of_it(self):
        answer = self.control.call(create(shell_id=guid(), session=self.session))
        self.assertEqual(answer.status, 200)
        self.assertNotIn("winrmd", answer.text)
        self.shell, self.session = answer.find("ShellId"), None
        self.start("echo one")
        answer = self.receive(self.connect())
        self.assertEqual(answer.output(), b"one\n")
        self.assertNotIn("winrmd", answer.text)

    def test_answers_carry_offsets(self):
        self.start("printf out; printf err >&2; cat")
        conn = self.connect()
        got = {name: 0 for name in STREAMS}
        while got != {"stdout": 3, "stderr": 3}:
            for name, offset, data in self.receive(conn, f"stdout=0:{got['stdout']} stderr=0:{got['stderr']}").pieces():
                self.assertEqual(offset, got[name])
                got[name] += len(data)
        self.feed(b"put", end=True)
        answer = self.receive(conn, "stdout=3:3 stderr=3:3")
        while not answer.done:
            answer = self.receive(conn, "stdout=3:3 stderr=3:3")
        self.assertEqual(answer.pieces(), [("stdout", 3, b"put"), ("stdout", 6, b""), ("stderr", 3, b"")])

    def test_other_session_gets_no_offsets(self):
        self.start("echo one; cat")
        self.session = None
        answer = self.receive(self.connect(), "stdout=0:2 stderr=0:0")  # an unknown option as any other
        self.assertEqual(answer.pieces(), [("stdout", None, b"one\n")])

    def test_other_session_must_not_require_the_option(self):
        self.start("echo one; cat")
        options = (("WINRMD_FROM", "stdout=0:0", True),)
        answer = self.control.call(receive(self.shell, self.command, options=options))
        self.assertIsNotNone(answer.fault)
        answer = self.control.call(receive(self.shell, self.command, options=options, session=self.session))
        self.assertEqual(answer.output(), b"one\n")


class RuleA(MarkedBase):
    def test_word_for_a_stream_that_is_not_asked_for_is_checked_too(self):
        self.start("printf out; printf err >&2; cat")
        conn = self.connect()
        self.assert_fault(self.receive(conn, f"stdout=0:0 stderr={2**64 - 1}:{2**64 - 1}", streams="stdout"), 87,
                          "stderr", str(2**64 - 1))
        self.assertEqual(self.receive(conn, "stdout=0:0 stderr=0:0", streams="stderr").output("stderr"), b"err")

    def test_only_the_word_confirms(self):
        self.start("cat")
        self.feed(b"one")
        conn = self.connect()
        for _ in range(3):  # the same connection, and read each time
            self.assertEqual(self.receive(conn, "stdout=0:0 stderr=0:0").output(), b"one")
        conn.send(self.request("stdout=3:3 stderr=0:0"))
        self.feed(b"two")
        self.assertEqual(conn.answer().pieces(), [("stdout", 3, b"two")])

    def test_without_a_word_it_starts_at_what_is_confirmed(self):
        self.start("cat")
        self.feed(b"one")
        conn = self.connect()
        self.assertEqual(self.receive(conn).pieces(), [("stdout", 0, b"one")])
        self.assertEqual(self.receive(conn).pieces(), [("stdout", 0, b"one")])
        self.assertEqual(self.receive(conn, "stdout=1:2 stderr=0:0").pieces(), [("stdout", 2, b"e")])
        self.assertEqual(self.receive(conn).pieces(), [("stdout", 1, b"ne")])

    def test_word_that_says_less_than_before_takes_nothing_back(self):
        self.start("cat")
        self.feed(b"one")
        conn = self.connect()
        self.receive(conn)
        self.assertEqual(self.receive(conn, "stdout=2:2").output(), b"e")
        self.assertEqual(self.receive(conn, "stdout=0:2").output(), b"e")
        self.assert_fault(self.receive(conn, "stdout=0:1"), INVALID)

    def test_start_below_what_is_kept(self):
        self.start("cat")
        self.feed(b"one")
        conn = self.connect()
        self.receive(conn)
        self.assertEqual(self.receive(conn, "stdout=2:2 stderr=0:0").output(), b"e")
        self.assert_fault(self.receive(conn, "stdout=1:1 stderr=0:0"), INVALID, "stdout", " 1 ", "2 to 3")
        self.assertEqual(self.receive(conn, "stdout=2:2 stderr=0:0").output(), b"e")

    def test_start_above_the_end(self):
        self.start("cat")
        self.feed(b"one")
        conn = self.connect()
        self.receive(conn)
        self.assert_fault(self.receive(conn, "stdout=4:4 stderr=0:0"), INVALID, "stdout", " 4 ", "0 to 3")
        self.assert_fault(self.receive(conn, "stdout=0:0 stderr=1:1"), INVALID, "stderr", " 1 ", "0 to 0")
        self.assert_fault(self.receive(conn, "stdout=0:18446744073709551615"), INVALID, "stdout")
        self.assertEqual(self.receive(conn, "stdout=0:0 stderr=0:0").output(), b"one")  # nothing was confirmed

    def test_word_that_makes_no_sense(self):
        self.start("cat")
        self.feed(b"one")
        conn = self.connect()
        for word in ("rubbish", "stdout=2:1", "stdout=0:0 stdout=0:0", "stdout=0:18446744073709551616"):
            self.assertIsNotNone(self.receive(conn, word).fault, word)
        self.assert_fault(self.receive(conn, "stdin=0:0"), INVALID, "stdin")
        self.assertEqual(self.receive(conn, "stdout=0:0").output(), b"one")

    def test_start_beyond_what_was_ever_served(self):
        self.start(f"printf 0123456789; touch {self.path('written')}; cat")
        self.assert_written("written")
        conn = self.connect()
        answers = []

        def accepted():  # once the host has read it from the pipe
            answers.append(self.receive(conn, "stdout=4:6 stderr=0:0"))
            return answers[-1].fault != INVALID

        wait_for(accepted, "offset 6 exists")
        self.assertEqual(answers[-1].pieces(), [("stdout", 6, b"6789")])
        self.assertEqual(self.receive(conn).pieces(), [("stdout", 4, b"456789")])

    def test_word_survives_the_service(self):
        self.start("cat")
        self.feed(b"one")
        conn = self.connect()
        self.receive(conn)
        self.assertEqual(self.receive(conn, "stdout=1:2").output(), b"e")
        self.service.kill_net()
        conn = self.connect()
        self.assertEqual(self.receive(conn).pieces(), [("stdout", 1, b"ne")])
        self.assertEqual(self.receive(conn, "stdout=1:2").pieces(), [("stdout", 2, b"e")])
        self.assert_fault(self.receive(conn, "stdout=0:0"), INVALID, "1 to 3")

    def test_end_is_told_until_terminate(self):
        self.start("echo one; exit 7")
        conn = self.connect()
        answer = self.receive(conn)
        while not answer.done:
            answer = self.receive(conn, "stdout=0:0")
        for _ in range(2):
            answer = self.receive(conn, "stdout=4:4 stderr=0:0")
            self.assertEqual((answer.output(), answer.done, answer.exit_code), (b"", True, 7))
        answer = self.receive(conn, "stdout=4:4 stderr=0:0")
        self.assertEqual(conn.call(signal(self.shell, self.command, session=self.session)).status, 200)
        self.assert_fault(self.receive(conn, "stdout=4:4"), UNKNOWN)

    def test_old_carrier_is_ended(self):
        self.start("head -c 300000 /dev/zero; cat")
        carrier = self.connect(receive_buffer=4096, segment=536)
        carrier.send(self.request("stdout=0:0", max_size=512000))
        self.assertTrue(select.select([carrier.socket], [], [], 20)[0])
        answer = self.receive(self.connect(), "stdout=0:0", max_size=512000)
        self.assertGreater(len(answer.output()), 0)
        self.assertRaises(Closed, carrier.answer)

    def test_old_carrier_is_left_when_nothing_goes_out_again(self):
        self.start("cat")
        self.feed(b"one")
        carrier = self.connect()
        self.assertEqual(self.receive(carrier, "stdout=0:0").output(), b"one")
        other = self.connect()
        other.send(self.request("stdout=3:3"))
        self.feed(b"two")
        self.assertEqual(other.answer().output(), b"two")
        self.assertEqual(carrier.call(IDENTIFY).status, 200)

    def test_newest_receive_takes_over_what_is_fetched(self):
        self.start("cat")
        first, second = self.connect(), self.connect()
        first.send(self.request("stdout=0:0"))
        second.send(self.request("stdout=0:0"))
        self.assert_fault(first.answer(), REPLACED)
        self.feed(b"one")
        self.assertEqual(second.answer().output(), b"one")


class RuleB(Base):
    def test_same_request_gets_the_same_answer(self):
        self.start("cat")
        self.feed(b"one")
        conn = self.connect()
        id = message_id()
        first = self.receive(conn, id=id)
        self.assertEqual(first.output(), b"one")
        for conn in (conn, self.connect()):  # though its connection proves that it arrived
            self.assertEqual(self.receive(conn, id=id).output(), b"one")
        conn.send(self.request())
        self.feed(b"two")
        self.assertEqual(conn.answer().output(), b"two")

    def test_same_answer_is_no_longer_than_it_was(self):
        self.start(f"printf one; read x; printf two; printf three >&2; touch {self.path('written')}; cat")
        id = message_id()
        carrier = self.connect()
        self.assertEqual(self.receive(carrier, id=id).output(), b"one")
        carrier.reset()
        self.feed(b"\n")
        self.assert_written("written")
        conn = self.connect()
        again = self.receive(conn, id=id)
        self.assertEqual((again.output(), again.output("stderr")), (b"one", b""))
        out, err = b"", b""
        while (out, err) != (b"two", b"three"):
            answer = self.receive(conn)
            self.assertEqual(answer.status, 200, answer.text)
            out += answer.output()
            err += answer.output("stderr")

    def test_same_bytes_of_both_streams(self):
        """In the order and the pieces of the first time, while the command goes on."""
        expected = words(5, 400000)
        self.start(f"{BIN}/words both 5 400000 3000")
        got = {name: b"" for name in STREAMS}
        done = False
        while not done:
            id = message_id()
            carrier = self.connect()
            first = self.receive(carrier, id=id)
            self.assertEqual(first.status, 200, first.text)
            carrier.reset()
            again = self.receive(self.connect(), id=id)
            self.assertEqual(again.pieces()[:len(first.pieces())], first.pieces())
            for name in STREAMS:
                self.assertEqual(again.output(name), first.output(name))
                got[name] += first.output(name)
            done = again.done
        self.assertTrue(got == expected)

    def test_end_comes_again(self):
        self.start("printf all; exit 3")
        id = message_id()
        answer = self.receive(self.connect(), id=id)
        while not answer.done:
            id = message_id()
            answer = self.receive(self.connect(), id=id)
        again = self.receive(self.connect(), id=id)
        self.assertEqual((again.output(), again.done, again.exit_code), (answer.output(), True, 3))

    def test_other_request_is_no_repetition(self):
        self.start("cat")
        self.feed(b"one")
        carrier = self.connect()
        self.assertEqual(self.receive(carrier, id="uuid:" + "1" * 200).output(), b"one")  # too long to remember
        carrier.send(self.request(id="uuid:" + "1" * 200))
        self.feed(b"two")
        self.assertEqual(carrier.answer().output(), b"two")

    def test_same_request_while_it_waits(self):
        self.start("cat")
        id = message_id()
        first, second = self.connect(), self.connect()
        first.send(self.request(id=id))
        second.send(self.request(id=id))
        self.assert_fault(first.answer(), REPLACED)
        self.feed(b"one")
        self.assertEqual(second.answer().output(), b"one")


class Taker:
    """A client of ours as the service sees it: what it has of each stream, and what its application has."""

    def __init__(self, test, command_id, expected, chance):
        self.test, self.command, self.expected, self.chance = test, command_id, expected, chance
        self.got = {name: 0 for name in STREAMS}
        self.confirmed = {name: 0 for name in STREAMS}
        self.conn = None
        self.abandoned = []
        self.exit_code = None

    def count(self):
        return sum(self.got.values())

    def request(self):
        word = " ".join(f"{name}={self.confirmed[name]}:{self.got[name]}" for name in STREAMS)
        return receive(self.test.shell, self.command, options=(("WINRMD_FROM", word, False),),
                       session=self.test.session, max_size=self.chance.choice((8192, 60000, 512000)))

    def take(self, answer):
        for name, offset, data in answer.pieces():
            start = self.got[name]
            assert offset == start, f"{name}: {offset} instead of {start}"
            if data != self.expected[name][start:start + len(data)]:
                wrong = next(i for i, byte in enumerate(data) if byte != self.expected[name][start + i])
                raise AssertionError(f"{name}: the first wrong byte is {start + wrong}")
            self.got[name] += len(data)
        for name in STREAMS:
            self.confirmed[name] = self.chance.randint(self.confirmed[name], self.got[name])
        if answer.done:
            assert all(self.got[name] == len(self.expected[name]) for name in STREAMS), f"done at {self.got}"
            self.exit_code = answer.exit_code

    def step(self):
        """One Receive, on a connection of which anything may become."""
        what = self.chance.choice(("whole",) * 6 + ("unsent", "unread", "cut", "leave", "forget"))
        if self.conn is None:
            self.conn = Conn(self.test.service)
        request = self.request().encode()
        if what == "forget":  # the client was killed; its successor has what the application has
            self.got = dict(self.confirmed)
            return
        if what == "unsent":
            self.conn.socket.sendall(self.conn.head(len(request)) + request[:len(request) // 2])
            self.lose()
            return
        self.conn.send(request)
        if what == "whole":
            answer = self.conn.answer()
            if answer.fault not in (TIMED_OUT, REPLACED):
                assert answer.status == 200, answer.text
                self.take(answer)
            return
        if self.chance.randrange(2):
            select.select([self.conn.socket], [], [], 0.2)
        if what == "cut":
            self.conn.socket.settimeout(0.2)
            try:
                self.conn.socket.recv(self.chance.randrange(1, 20000))
            except TimeoutError:
                pass
        if what == "leave":
            self.abandoned.append(self.conn)
            self.conn = None
        else:
            self.lose()

    def lose(self):
        if self.conn is not None:
            self.conn.reset()
        self.conn = None

    def run(self):
        while self.exit_code is None:
            try:
                self.step()
            except BROKEN:
                self.lose()
        for conn in self.abandoned + [self.conn]:
            if conn is not None:
                conn.close()


class Fire(MarkedBase):
    def assert_all_arrives(self, count, size, kills):
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        takers, failures = [], []
        for i in range(count):
            line = f"{BIN}/words both {i} {size} {chance.choice((100, 4096, 70000))}; exit {i}"
            takers.append(Taker(self, self.start(line), words(i, size), random.Random(seed + i)))

        def run(taker):
            try:
                taker.run()
            except BaseException as failure:  # into the main thread
                failures.append(failure)
                taker.exit_code = -1

        threads = [threading.Thread(target=run, args=(taker,)) for taker in takers]
        for thread in threads:
            thread.start()
        for i in range(kills):
            mark = 2 * size * count * (i + 1) // (kills + 2)
            wait_for(lambda: sum(taker.count() for taker in takers) >= mark or failures, f"{mark} bytes", 120)
            self.service.kill_net()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [], f"seed {seed}")
        self.assertEqual([taker.exit_code for taker in takers], list(range(count)), f"seed {seed}")

    def test_one_command(self):
        self.assert_all_arrives(1, 6 << 20, 6)

    def test_twenty_commands_at_once(self):
        self.assert_all_arrives(20, 200000, 4)


class LetGo(MarkedBase):
    """What becomes of offsets when the shell changes hands."""
    other = "uuid:BBBBBBBB-0000-4000-8000-000000000002"

    def call(self, request):
        answer = self.control.call(request)
        self.assertEqual(answer.status, 200, answer.text)

    def test_dropped_bytes_leave_a_gap(self):
        size = 6 << 20
        expected = words(21, size)
        self.start(f"{BIN}/words both 21 {size} 5000; touch {self.path('written')}")
        served = {name: 0 for name in STREAMS}
        for name, offset, data in self.receive(self.control, max_size=512000).pieces():
            served[name] = offset + len(data)
        self.call(disconnect(self.shell, mode="Drop", session=self.session))
        self.assert_written("written")
        self.call(reconnect(self.shell, session=self.session))
        at = {name: 0 for name in STREAMS}  # nothing was confirmed, so all that was served is there
        gaps = {name: 0 for name in STREAMS}
        answer = None
        while answer is None or not answer.done:
            word = " ".join(f"{name}={at[name]}:{at[name]}" for name in STREAMS)
            answer = self.receive(self.control, word, max_size=512000)
            self.assertEqual(answer.status, 200, answer.text)
            for name, offset, data in answer.pieces():
                if offset > at[name]:
                    self.assertGreaterEqual(at[name], served[name])
                    gaps[name] += offset - at[name]
                self.assertGreaterEqual(offset, at[name])
                self.assertTrue(data == expected[name][offset:offset + len(data)], f"{name} from {offset} on")
                at[name] = offset + len(data)
        self.assertEqual(at, {name: size for name in STREAMS})
        self.assertGreater(gaps["stdout"] + gaps["stderr"], 1 << 20)

    def test_dropped_end_of_a_stream_is_told(self):
        first, tail = 500 << 10, 100 << 10
        self.start(f"{BIN}/words make 31 {first}; until [ -e {self.path('go')} ]; do sleep 0.01; done; "
                   f"{BIN}/words make 32 {tail}; {BIN}/words make 33 {3 << 20} >&2; touch {self.path('written')}")
        at = 0
        while at < first:
            for name, offset, data in self.receive(self.control, f"stdout=0:{at} stderr=0:0").pieces():
                at = offset + len(data)
        self.call(disconnect(self.shell, mode="Drop", session=self.session))
        with open(self.path("go"), "w"):
            pass
        self.assert_written("written")
        self.call(reconnect(self.shell, session=self.session))
        reached, ends, answer = {"stdout": at, "stderr": 0}, {}, None
        while answer is None or not answer.done:
            word = " ".join(f"{name}=0:{reached[name]}" for name in STREAMS)
            answer = self.receive(self.control, word)
            for name, offset, data in answer.pieces():
                if not data:
                    ends[name] = offset
                elif name == "stdout":
                    self.fail(f"stdout was kept at {offset}, so this shows nothing")
                reached[name] = offset + len(data)
        self.assertEqual(ends, {"stdout": first + tail, "stderr": 3 << 20})
        again = self.receive(self.control, f"stdout=0:{at} stderr=0:{3 << 20}")  # as if it had got lost
        self.assertEqual(again.pieces(), [("stdout", first + tail, b""), ("stderr", 3 << 20, b"")])
        self.assertTrue(again.done)

    def test_receive_sleeps_through_it(self):
        self.start("cat")
        self.feed(b"one")
        conn = self.connect()
        self.assertEqual(self.receive(conn, "stdout=0:0").output(), b"one")
        conn.send(self.request("stdout=2:3"))
        self.feed(b"")  # the one before is parked by now, or will be before the disconnect is done
        self.call(disconnect(self.shell, session=self.session))
        self.assertIn(conn.answer().fault, (LET_GO, DISCONNECTED))
        self.call(reconnect(self.shell, session=self.session))
        self.feed(b"two")
        got = self.receive(conn, "stdout=2:3")
        self.assertEqual(got.pieces(), [("stdout", 3, b"two")])

    def test_successor_starts_at_what_the_application_has(self):
        self.start("cat")
        self.feed(b"0123456789")
        conn = self.connect()
        self.assertEqual(self.receive(conn, "stdout=0:0").output(), b"0123456789")
        self.receive(conn, "stdout=4:9")  # and then it was killed, with 6 bytes in a file
        self.call(connect(self.shell, session=self.other, options=(ANNOUNCED, ("WINRMD_TAKEOVER", "true", False))))
        first, self.session = self.session, self.other
        self.assertEqual(self.receive(self.control, "stdout=6:6").pieces(), [("stdout", 6, b"6789")])
        self.assert_fault(self.receive(self.control, "stdout=4:4"), INVALID, "6 to 10")
        self.session = first
        self.assert_fault(self.receive(self.connect(), "stdout=4:9"), TAKEN)

    def test_successor_that_says_nothing_gets_what_is_not_confirmed(self):
        self.start("cat")
        self.feed(b"0123456789")
        conn = self.connect()
        self.receive(conn, "stdout=0:0")
        self.assertEqual(self.receive(conn, "stdout=4:7").output(), b"789")
        self.call(connect(self.shell, session=self.other, options=(("WINRMD_TAKEOVER", "true", False),)))
        self.session = self.other
        self.assertEqual(self.receive(conn, "stdout=8:8").pieces(), [("stdout", None, b"456789")])
        conn.send(self.request())  # from now on connections speak for it
        self.feed(b"next")
        self.assertEqual(conn.answer().output(), b"next")


class Delivered(MarkedBase):
    """WINRMD_DELIVERED: what the client that lets go has got."""
    other = "uuid:BBBBBBBB-0000-4000-8000-000000000002"

    def setUp(self):
        super().setUp()
        self.start("cat")
        self.feed(b"0123456789")
        self.conn = self.connect()
        self.assertEqual(self.receive(self.conn, "stdout=0:0 stderr=0:0").output(), b"0123456789")

    def let_go(self, *words, session=None, options=()):
        word = " ".join(word.replace("COMMAND", self.command) for word in words)
        return self.control.call(disconnect(self.shell, session=session or self.session,
                                            options=(("WINRMD_DELIVERED", word, False), *options)))

    def successor(self, **more):
        """What another client gets that says nothing."""
        answer = self.control.call(connect(self.shell, session=self.other, **more))
        self.assertEqual(answer.status, 200, answer.text)
        self.session = self.other
        return self.receive(self.connect()).pieces()

    def test_successor_gets_the_rest(self):
        self.assertEqual(self.let_go("COMMAND/stdout=7").status, 200)
        self.assertEqual(self.successor(options=(ANNOUNCED,)), [("stdout", 7, b"789")])

    def test_stock_successor_gets_the_rest(self):
        self.assertEqual(self.let_go("COMMAND/stdout=7").status, 200)
        self.assertEqual(self.successor(), [("stdout", None, b"789")])

    def test_receive_in_flight_has_not_got_it(self):
        self.conn.send(self.request("stdout=2:4"))  # and is not read
        wait_for(lambda: select.select([self.conn.socket], [], [], 0.01)[0], "its answer")
        self.assertEqual(self.let_go("COMMAND/stdout=4").status, 200)
        self.assertEqual(self.successor(), [("stdout", None, b"456789")])

    def test_same_client_goes_on_behind_it(self):
        self.assertEqual(self.let_go("COMMAND/stdout=7").status, 200)
        self.assertEqual(self.control.call(reconnect(self.shell, session=self.session)).status, 200)
        self.assert_fault(self.receive(self.conn, "stdout=6:6"), INVALID, "7 to 10")
        self.assertEqual(self.receive(self.conn, "stdout=7:8").pieces(), [("stdout", 8, b"89")])

    def test_word_survives_the_service(self):
        self.assertEqual(self.let_go("COMMAND/stdout=7").status, 200)
        self.service.kill_net()
        self.control = self.connect()
        self.assertEqual(self.successor(), [("stdout", None, b"789")])

    def test_served_by_a_service_that_died(self):
        self.service.kill_net()
        self.control = self.connect()
        self.assertEqual(self.let_go("COMMAND/stdout=7").status, 200)
        self.assertEqual(self.successor(), [("stdout", None, b"789")])

    def test_repeated_word_changes_nothing(self):
        for word in ("COMMAND/stdout=7", "COMMAND/stdout=7", "COMMAND/stdout=3"):
            self.assertEqual(self.let_go(word).status, 200)
        self.assertEqual(self.successor(), [("stdout", None, b"789")])

    def test_repetition_behind_the_successor_is_refused(self):
        self.assertEqual(self.let_go("COMMAND/stdout=3").status, 200)
        first = self.session
        self.assertEqual(self.successor(options=(ANNOUNCED,)), [("stdout", 3, b"3456789")])
        self.assert_fault(self.let_go("COMMAND/stdout=9", session=first), TAKEN)
        self.assertEqual(self.receive(self.conn).pieces(), [("stdout", 3, b"3456789")])

    def test_what_was_never_served_is_not_believed(self):
        self.feed(b"more")
        self.assertEqual(self.let_go("COMMAND/stdout=11", "COMMAND/stderr=1").status, 200)
        self.assertEqual(self.service.log().count("more than was sent"), 1)  # one line for each request
        (_, _, got), = self.successor()
        conn = self.connect()
        while len(got) < 14:
            got += self.receive(conn).output()
        self.assertEqual(got, b"0123456789more")

    def test_unknown_commands_and_streams_are_passed_over(self):
        self.assertEqual(self.let_go(f"{guid()}/stdout=1", "x/stdout=1", "COMMAND/trace=4", "COMMAND/stdout=7").status,
                         200)
        self.assertEqual(self.successor(), [("stdout", None, b"789")])

    def test_word_that_makes_no_sense(self):
        many = [f"{guid()}/stdout=1" for _ in range(257)]
        for words_ in (["rubbish"], [""], ["COMMAND/stdout=7", "COMMAND/stdout=7"], ["COMMAND/stdout=-1"],
                       ["COMMAND/=7"], ["/stdout=7"], ["COMMAND/stdout=18446744073709551616"], many):
            self.assert_fault(self.let_go("COMMAND/stdout=8", *words_) if words_ != [""] else self.let_go(""),
                              OPTION_INVALID_VALUE, "WINRMD_DELIVERED")
        # still connected, and nothing is confirmed
        self.assertEqual(self.receive(self.conn, "stdout=0:0").output(), b"0123456789")

    def test_word_of_somebody_else_counts_for_nothing(self):
        taken = self.let_go("COMMAND/stdout=7", session=self.other, options=(("WINRMD_TAKEOVER", "true", False),))
        self.assertEqual(taken.status, 200)
        self.assertEqual(self.successor(), [("stdout", None, b"0123456789")])

    def test_somebody_else_must_not_require_the_option(self):
        answer = self.control.call(disconnect(self.shell, session=self.other, options=(
            ("WINRMD_DELIVERED", "x", True), ("WINRMD_TAKEOVER", "true", False))))
        self.assert_fault(answer, 2150858834, "WINRMD_DELIVERED")


class Input(Base):
    def test_repetition_is_not_applied_again(self):
        self.start("cat")
        id = message_id()
        for _ in range(3):
            conn = self.connect()
            self.feed(b"one ", conn=conn, id=id)
            conn.reset()
        self.feed(b"two", end=True)
        self.assertEqual(collect(self.control, self.shell, self.command)[0], b"one two")

    def test_repetition_with_other_data_in_between(self):
        self.start("cat")
        ids = [message_id() for _ in range(64)]
        for i, id in enumerate(ids):
            self.feed(b"%d " % i, id=id)
        for i in (0, 33, 63):
            self.feed(b"%d " % i, id=ids[i])
        self.feed(b"", end=True)
        self.assertEqual(collect(self.control, self.shell, self.command)[0], b"".join(b"%d " % i for i in range(64)))

    def test_reset_request_read_after_its_successor(self):
        self.start("cat")
        id = message_id()
        raw = self.input(b"one ", id=id).encode()
        old = self.connect()
        old.socket.sendall(old.head(len(raw)) + raw[:-1])
        self.feed(b"one ", id=id)
        self.feed(b"two ")
        old.socket.sendall(raw[-1:])
        self.assertEqual(old.answer().status, 200)
        self.feed(b"three", end=True)
        self.assertEqual(collect(self.control, self.shell, self.command)[0], b"one two three")

    def test_repetition_after_the_service_died(self):
        self.start("cat")
        id = message_id()
        self.feed(b"one ", id=id)
        self.service.kill_net()
        self.control = self.connect()
        self.feed(b"one ", id=id)
        self.feed(b"two", end=True)
        self.assertEqual(collect(self.control, self.shell, self.command)[0], b"one two")

    def test_repeated_end_succeeds(self):
        self.start("cat; exit 4")
        id = message_id()
        self.feed(b"all", end=True, id=id)
        self.feed(b"all", end=True, id=id)
        self.assertEqual(collect(self.control, self.shell, self.command), (b"all", b"", 4))
        self.feed(b"all", end=True, id=id)  # the command has ended since

    def fill(self):
        """Sends until one waits for room: cat's output is not taken. What was taken, and the one that waits."""
        self.start("cat")
        taken = b""
        block = bytes(range(256)) * 1400
        while True:
            conn, id, data = self.connect(), message_id(), b"%8d" % len(taken) + block
            raw = self.input(data, id=id, max_size=512000)
            conn.send(raw)
            if not select.select([conn.socket], [], [], 0.5)[0]:
                return taken, conn, data, id
            self.assertEqual(conn.answer().status, 200)
            taken += data

    def test_repetition_waits_for_the_same_answer(self):
        taken, first, data, id = self.fill()
        second = self.connect()
        second.send(self.input(data, id=id))
        self.assert_fault(self.control.call(self.input(b"other")), BUSY)
        conn = self.connect()
        out = b""
        while len(out) < len(taken) + len(data):
            out += self.receive(conn, max_size=512000).output()
        self.assertEqual((first.answer().status, second.answer().status), (200, 200))
        self.feed(b"end", end=True, id=message_id())
        self.assertTrue(out + collect(conn, self.shell, self.command)[0] == taken + data + b"end")

    def test_repetition_while_the_first_waits_and_is_gone(self):
        taken, first, data, id = self.fill()
        for _ in range(3):
            first.reset()
            first = self.connect()
            first.send(self.input(data, id=id))
        self.service.kill_net()
        self.control = self.connect()
        second = self.connect()
        second.send(self.input(data, id=id))
        conn = self.connect()
        out = b""
        while len(out) < len(taken) + len(data):
            out += self.receive(conn, max_size=512000).output()
        self.assertEqual(second.answer().status, 200)
        self.feed(b"end", end=True)
        self.assertTrue(out + collect(conn, self.shell, self.command)[0] == taken + data + b"end")

    def test_streams_of_one_request_are_one(self):
        self.start("cat")
        answer = self.control.call(send(self.shell, stream(b"one ", self.command), stream(b"", self.command),
                                        stream(b"two", self.command, end=True)))
        self.assertEqual(answer.status, 200, answer.text)
        self.assertEqual(collect(self.control, self.shell, self.command)[0], b"one two")

    def test_request_that_is_partly_wrong_is_not_applied(self):
        self.start("cat")
        wrong = (send(self.shell, stream(b"1", self.command), stream(b"2", self.command, name="stdout")),
                 send(self.shell, stream(b"1", self.command), stream(b"2", guid())),
                 send(self.shell, stream(b"1", self.command, end=True), stream(b"2", self.command)),
                 send(self.shell, stream(b"1", self.command), '<rsp:Stream Name="stdin">!</rsp:Stream>'))
        for request in wrong:
            self.assertIsNotNone(self.control.call(request).fault)
        self.feed(b"right", end=True)
        self.assertEqual(collect(self.control, self.shell, self.command)[0], b"right")

    def test_request_that_did_not_come_whole_is_not_applied(self):
        self.start("cat")
        raw = self.input(b"never").encode()
        for how in ("reset", "close", "fin"):
            conn = self.connect()
            conn.socket.sendall(conn.head(len(raw)) + raw[:-1])
            getattr(conn, how)()
        self.assertTrue(conn.is_ended())
        self.feed(b"right", end=True)
        self.assertEqual(collect(self.control, self.shell, self.command)[0], b"right")

    def test_bulk_under_fire(self):
        """Every Send may lose its connection, the service may die: the digest says whether each counted once."""
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        expected = words(11, 3 << 20)["stdout"]
        self.start(f"{BIN}/words check 11 0 {len(expected)}")
        at = 0
        kills = sorted(chance.randrange(len(expected)) for _ in range(3))
        while at < len(expected):
            data = expected[at:at + chance.choice((1, 5000, 60000, 300000))]
            id = message_id()
            raw = self.input(data, end=at + len(data) == len(expected), id=id, max_size=512000).encode()
            answered = False
            while not answered:
                conn = Conn(self.service)
                what = chance.choice(("whole", "whole", "part", "unread"))
                try:
                    if what == "part":
                        conn.socket.sendall((conn.head(len(raw)) + raw)[:chance.randrange(len(raw))])
                    else:
                        conn.send(raw)
                    if kills and at >= kills[0]:
                        kills.pop(0)
                        self.service.kill_net()
                    if what == "whole":
                        answer = conn.answer()
                        if answer.fault not in (None, BUSY):
                            self.fail((f"seed {seed}", collect(self.connect(), self.shell, self.command), answer.text))
                        answered = answer.fault is None
                except BROKEN:
                    pass
                conn.reset()
            at += len(data)
        out, _, code = collect(self.connect(), self.shell, self.command)
        self.assertEqual(code, 0, f"seed {seed}: {out.decode()}")


class Commands(Base):
    def run_line(self, line, conn=None, **more):
        return (conn or self.control).call(command(self.shell, line, **more))

    def lines(self):
        with open(self.path("ran")) as file:
            return file.read()

    def setUp(self):
        super().setUp()
        self.line = f"echo ran >> {self.path('ran')}; cat".replace(">", "&gt;")

    def assert_ran(self, times):
        wait_for(lambda: os.path.exists(self.path("ran")) and len(self.lines()) >= 4 * times, "it runs")
        self.assertEqual(self.lines(), "ran\n" * times)

    def assert_same_command(self, again, **more):
        """Runs once, whatever becomes of the first request's connection; again() comes before the repetition."""
        id = message_id()
        conn = self.connect()
        first = self.run_line(self.line, conn, id=id, **more)
        self.assertEqual(first.status, 200, first.text)
        conn.reset()
        again(first)
        repeated = self.run_line(self.line, self.connect(), id=id, **more)
        self.assertEqual(repeated.find("CommandId"), first.find("CommandId"), repeated.text)
        self.assert_ran(1)
        return first.find("CommandId")

    def assert_alive(self, command_id):
        self.command = command_id
        self.control = self.connect()
        self.feed(b"alive", end=True)
        self.assertEqual(collect(self.control, self.shell, command_id), (b"alive", b"", 0))

    def test_with_an_id_of_the_client(self):
        self.assert_alive(self.assert_same_command(lambda first: None, command_id=guid()))

    def test_without_an_id(self):
        self.assert_alive(self.assert_same_command(lambda first: None))

    def test_after_the_service_died(self):
        self.assert_alive(self.assert_same_command(lambda first: self.service.kill_net()))

    def test_after_terminate(self):
        def terminate(first):
            self.assert_ran(1)
            self.assertEqual(self.control.call(signal(self.shell, first.find("CommandId"))).status, 200)
        for more in ({}, {"command_id": guid()}):
            command_id = self.assert_same_command(terminate, **more)
            self.assertEqual(self.control.call(receive(self.shell, command_id)).fault, UNKNOWN)
            self.assertEqual(self.control.call(receive(self.shell, command_id)).fault, UNKNOWN)
            os.unlink(self.path("ran"))

    def test_at_once(self):
        id = message_id()
        conns = [self.connect() for _ in range(5)]
        for conn in conns:
            conn.send(command(self.shell, self.line, id=id))
        answers = {conn.answer().find("CommandId") for conn in conns}
        self.assertEqual(len(answers), 1)
        self.assertNotIn(None, answers)
        self.assert_ran(1)

    def test_other_request_with_the_same_command_id(self):
        command_id = guid()
        self.assertEqual(self.run_line(self.line, command_id=command_id).status, 200)
        self.assert_fault(self.run_line(self.line, command_id=command_id), CONFLICT_COMMAND)
        self.assert_ran(1)

    def test_too_long_ids_are_not_remembered(self):
        id = "uuid:" + "2" * 200
        for times in (1, 2):
            self.assertEqual(self.run_line(self.line, id=id).status, 200)
            self.assert_ran(times)

    def test_request_that_did_not_come_whole(self):
        raw = command(self.shell, self.line).encode()
        conn = self.connect()
        conn.socket.sendall(conn.head(len(raw)) + raw[:-1])
        conn.fin()
        self.assertTrue(conn.is_ended())
        self.assertEqual(self.run_line(self.line).status, 200)
        self.assert_ran(1)


class Signals(Base):
    def interrupt(self, id):
        conn = self.connect()
        self.assertEqual(conn.call(signal(self.shell, self.command, "ctrl_c", id=id)).status, 200)
        conn.reset()

    def assert_output(self, conn, text):
        out = b""
        while len(out) < len(text):
            answer = self.receive(conn)
            self.assertEqual(answer.status, 200, answer.text)
            out += answer.output()
        self.assertEqual(out, text)

    def trap(self):
        conn = self.connect()
        self.start("trap 'echo int' INT; echo ready; until read x; do :; done; echo $x")
        self.assert_output(conn, b"ready\n")
        return conn

    def test_repetition_does_nothing(self):
        conn = self.trap()
        for id in (message_id(), message_id()):
            self.interrupt(id)
            self.assert_output(conn, b"int\n")
        self.interrupt(id)  # two at a time would be one to the shell
        self.feed(b"bye\n")
        self.assertEqual(collect(conn, self.shell, self.command), (b"bye\n", b"", 0))

    def test_repetition_after_the_service_died(self):
        conn = self.trap()
        id = message_id()
        self.interrupt(id)
        self.assert_output(conn, b"int\n")
        self.assertEqual(conn.call(IDENTIFY).status, 200)  # it has arrived
        self.feed(b"")
        self.control.call(self.request(timeout="PT0.5S"))  # confirms it to the host
        self.service.kill_net()
        self.control = self.connect()
        self.interrupt(id)
        self.feed(b"bye\n")
        self.assertEqual(collect(self.control, self.shell, self.command), (b"bye\n", b"", 0))

    def test_terminate_succeeds_again(self):
        self.start("cat")
        id = message_id()
        for id in (id, id, message_id()):
            self.assertEqual(self.control.call(signal(self.shell, self.command, id=id)).status, 200)
        self.service.kill_net()
        self.assertEqual(self.connect().call(signal(self.shell, self.command, id=id)).status, 200)


class Creates(Base):
    def make_shell(self):
        wait_for(lambda: self.hosts() == 0, "those of the test before are gone")

    def made(self, answer, conn=None):
        self.assertEqual(answer.status, 200, answer.text)
        shell = answer.find("ShellId")
        self.addCleanup(lambda: self.connect().call(delete(shell)))
        return shell

    def hosts(self):
        return len(self.service.children("winrmd-shell"))

    def test_same_request_gets_the_same_shell(self):
        for i, shell_id in enumerate((None, guid())):
            id = message_id()
            shells = set()
            answers = []
            for _ in range(3):
                conn = self.connect()
                answers.append(conn.call(create(shell_id, id=id)))
                shells.add(self.made(answers[-1]))
                conn.reset()
            self.assertEqual(len(shells), 1)
            self.assertEqual(self.hosts(), i + 1)
            bodies = {re.sub("uuid:[-0-9A-F]*</a:MessageID>", "", answer.text) for answer in answers}
            self.assertEqual(len(bodies), 1, bodies)

    def test_after_the_service_died(self):
        for shell_id in (None, guid()):
            id = message_id()
            shell = self.made(self.connect().call(create(shell_id, id=id)))
            self.service.kill_net()
            conn = self.connect()
            if shell_id is None:  # then it is known again only once its host has reported
                start(conn, shell, "true")
            self.assertEqual(self.made(conn.call(create(shell_id, id=id))), shell)

    def test_at_once(self):
        for shell_id in (None, guid()):
            id = message_id()
            conns = [self.connect() for _ in range(5)]
            for conn in conns:
                conn.send(create(shell_id, id=id))
            self.assertEqual(len({self.made(conn.answer()) for conn in conns}), 1)

    def test_first_is_gone_before_it_is_made(self):
        for i, shell_id in enumerate((None, guid())):
            id = message_id()
            for _ in range(3):
                conn = self.connect()
                conn.send(create(shell_id, id=id))
                conn.reset()
            shell = self.made(self.connect().call(create(shell_id, id=id)))
            start(self.connect(), shell, "true")
            wait_for(lambda: self.hosts() == i + 1, "one shell is left")

    def test_other_request_with_the_same_shell_id(self):
        shell_id = guid()
        self.made(self.control.call(create(shell_id)))
        self.assert_fault(self.control.call(create(shell_id)), CONFLICT_SHELL)

    def test_same_message_id_with_another_shell_id(self):
        id = message_id()
        first = self.made(self.control.call(create(guid(), id=id)))
        self.assertNotEqual(self.made(self.control.call(create(guid(), id=id))), first)

    def test_another_user_is_no_repetition(self):
        id, shell_id = message_id(), guid()
        first = self.made(self.control.call(create(id=id)))
        bob = self.connect(user="bob")
        answer = bob.call(create(id=id))
        self.assertEqual(answer.status, 200, answer.text)
        self.assertNotEqual(answer.find("ShellId"), first)
        self.assertEqual(bob.call(delete(answer.find("ShellId"))).status, 200)
        self.made(self.control.call(create(shell_id, id=message_id())))
        self.assert_fault(bob.call(command(shell_id, "true")), UNKNOWN)

    def test_deleted_shell_is_made_anew(self):
        id, shell_id = message_id(), guid()
        self.made(self.control.call(create(shell_id, id=id)))
        self.assertEqual(self.control.call(delete(shell_id)).status, 200)
        wait_for(lambda: self.hosts() == 0, "its host is gone")
        answer = self.control.call(create(shell_id, id=id))
        self.assertEqual(self.made(answer), shell_id)
        self.assert_fault(self.control.call(receive(shell_id, guid())), UNKNOWN)

    def test_same_request_with_other_streams_changes_nothing(self):
        id, shell_id = message_id(), guid()
        self.made(self.control.call(create(shell_id, id=id)))
        self.made(self.control.call(create(shell_id, id=id, streams=("stdin", "stdout"))))
        command_id = start(self.control, shell_id, "echo err &gt;&amp;2")
        self.assertEqual(collect(self.control, shell_id, command_id), (b"", b"err\n", 0))


if __name__ == "__main__":
    unittest.main()
