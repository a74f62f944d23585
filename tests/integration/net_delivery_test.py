#!/usr/bin/python3
"""Which Receive confirms what (docs/exactly-once.md, rules c, d, e), seen from the wire. A stock client
cannot say what it has got, so the service judges by what became of the connection.

Usage: net_delivery_test.py BIN-FOLDER
"""
import os
import random
import select
import signal as signals
import socket
import sys
import time
import unittest

from rawsoap import (Closed, Conn, IDENTIFY, TIMED_OUT, UNKNOWN, collect, delete, guid, open_shell, receive, send,
                     signal, start, stream)
from service import Service, wait_for

BIN = sys.argv.pop(1)
REPLACED = 2150859047
USERS = {"alice": "wonderland"}
SEQ = b"".join(b"%d\n" % i for i in range(1, 700001))


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service(BIN, USERS).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.service.__exit__()

    def setUp(self):
        self.control = self.connect()
        self.shell = open_shell(self.control)
        self.addCleanup(lambda: self.connect().call(delete(self.shell)))

    def connect(self, **more):
        conn = Conn(self.service, **more)
        self.addCleanup(conn.close)
        return conn

    def cat(self):
        """A command that writes what it is sent."""
        self.command = start(self.control, self.shell, "cat")
        return self.command

    def feed(self, data, end=False):
        answer = self.control.call(send(self.shell, stream(data, self.command, end=end)))
        self.assertEqual(answer.status, 200, answer.text)

    def receive(self, conn, **more):
        return conn.call(receive(self.shell, self.command, **more))

    def answered_unread(self, conn):
        """A Receive whose answer has come and is not read."""
        conn.send(receive(self.shell, self.command))
        self.assertTrue(select.select([conn.socket], [], [], 20)[0])


    def bulk(self):
        """A command whose next answer is large for certain; what it said before that."""
        conn, out, done = self.connect(), b"", True
        while True:
            if done:
                self.command, out = start(self.control, self.shell, "seq 1 700000"), b""
            answer = self.receive(conn, max_size=512000)
            out += answer.output()
            done = answer.done
            if len(answer.body) > 400000 and not done:  # it writes faster than it is read
                return out


class RuleC(Base):
    def test_any_later_request_on_the_same_connection_confirms(self):
        self.cat()
        carrier = self.connect()
        self.feed(b"one")
        self.assertEqual(self.receive(carrier).output(), b"one")
        self.assertEqual(carrier.call(IDENTIFY).status, 200)
        carrier.reset()  # too late to matter
        self.feed(b"two")
        self.assertEqual(self.receive(self.connect()).output(), b"two")

    def test_first_byte_of_a_request_is_enough(self):
        self.cat()
        carrier = self.connect()
        self.feed(b"one")
        self.assertEqual(self.receive(carrier).output(), b"one")
        carrier.socket.sendall(b"POST ")
        self.feed(b"two")
        self.assertEqual(self.receive(self.connect()).output(), b"two")

    def test_receives_on_one_connection_never_repeat(self):
        self.cat()
        carrier = self.connect()
        for i in range(50):
            self.feed(b"%d" % i)
            self.assertEqual(self.receive(carrier).output(), b"%d" % i)


class RuleD(Base):
    def test_acknowledged_on_an_open_connection(self):
        self.cat()
        conns = [self.connect(), self.connect()]
        for i in range(20):
            self.feed(b"%d" % i)
            self.assertEqual(self.receive(conns[i % 2]).output(), b"%d" % i)

    def test_acknowledged_and_closed(self):
        self.cat()
        for i in range(10):
            self.feed(b"%d" % i)
            with self.connect() as conn:
                self.assertEqual(self.receive(conn).output(), b"%d" % i)

    def test_connection_close_does_not_make_repetitions(self):
        self.cat()
        for i in range(10):
            self.feed(b"%d" % i)
            conn = self.connect()
            self.assertEqual(conn.call(receive(self.shell, self.command), "Connection: close\r\n").output(), b"%d" % i)

    def test_end_is_confirmed_too(self):
        self.cat()
        self.feed(b"all", end=True)
        with self.connect() as conn:
            out, _, code = collect(conn, self.shell, self.command)
        self.assertEqual((out, code), (b"all", 0))
        for _ in range(2):
            again = self.receive(self.connect())
            self.assertEqual((again.output(), again.done, again.exit_code), (b"", True, 0))


class RuleE(Base):
    def test_reset_before_it_was_read(self):
        self.cat()
        self.feed(b"one")
        carrier = self.connect()
        self.answered_unread(carrier)
        carrier.reset()
        self.assertEqual(self.receive(self.connect()).output(), b"one")

    def test_closed_without_reading(self):
        self.cat()
        self.feed(b"one")
        carrier = self.connect()
        self.answered_unread(carrier)
        carrier.close()  # with unread bytes the kernel makes a reset of it
        self.assertEqual(self.receive(self.connect()).output(), b"one")

    def test_as_often_as_it_takes(self):
        self.cat()
        self.feed(b"one")
        for _ in range(5):
            carrier = self.connect()
            self.answered_unread(carrier)
            carrier.reset()
        conn = self.connect()
        self.assertEqual(self.receive(conn).output(), b"one")
        self.feed(b"two")
        self.assertEqual(self.receive(conn).output(), b"two")

    def test_end_is_repeated_too(self):
        self.cat()
        self.feed(b"all", end=True)
        carrier = self.connect()
        self.answered_unread(carrier)
        carrier.reset()
        self.assertEqual(collect(self.connect(), self.shell, self.command), (b"all", b"", 0))

    def test_never_acknowledged_while_open(self):
        before_it = self.bulk()
        carrier = self.connect(receive_buffer=4096, segment=536)
        carrier.send(receive(self.shell, self.command, max_size=512000))
        self.assertTrue(select.select([carrier.socket], [], [], 20)[0])
        before = time.monotonic()
        out, _, _ = collect(self.connect(), self.shell, self.command)
        self.assertGreater(time.monotonic() - before, 0.4)  # it was given its chance
        self.assertTrue(before_it + out == SEQ)
        self.assertRaises(Closed, carrier.answer)  # and ended, so that it cannot arrive later

    def test_taken_by_our_kernel_but_never_acknowledged(self):
        self.command = start(self.control, self.shell, "head -c 60000 /dev/zero")
        carrier = self.connect(receive_buffer=2304)
        carrier.send(receive(self.shell, self.command))
        self.assertTrue(select.select([carrier.socket], [], [], 20)[0])
        self.assertEqual(collect(self.connect(), self.shell, self.command), (bytes(60000), b"", 0))
        self.assertRaises(Closed, carrier.answer)

    def test_fin_with_bytes_never_acknowledged(self):
        self.command = start(self.control, self.shell, "head -c 60000 /dev/zero")
        carrier = self.connect(receive_buffer=2304)
        carrier.send(receive(self.shell, self.command))
        self.assertTrue(select.select([carrier.socket], [], [], 20)[0])
        carrier.fin()
        poll = select.poll()
        poll.register(carrier.socket, select.POLLHUP | select.POLLERR)
        events = poll.poll(20000)
        self.assertTrue(events and events[0][1] & select.POLLERR, "ended by a reset, not by FIN")
        self.assertEqual(collect(self.connect(), self.shell, self.command), (bytes(60000), b"", 0))

    def test_read_late_but_in_time(self):
        self.command = start(self.control, self.shell, "head -c 300000 /dev/zero; cat")
        carrier = self.connect(receive_buffer=4096)
        carrier.send(receive(self.shell, self.command, max_size=512000))
        self.assertTrue(select.select([carrier.socket], [], [], 20)[0])
        other = self.connect()
        other.send(receive(self.shell, self.command, max_size=512000))
        first = carrier.answer()
        out = first.output()
        while len(out) < 300000:
            out += other.answer().output()
            if len(out) < 300000:
                other.send(receive(self.shell, self.command, max_size=512000))
        self.assertEqual(len(out), 300000)

    def test_service_died(self):
        self.cat()
        carrier = self.connect()
        self.feed(b"one")
        self.assertEqual(self.receive(carrier).output(), b"one")
        self.feed(b"two")
        self.assertEqual(self.receive(carrier).output(), b"two")
        self.service.kill_net()
        self.assertTrue(carrier.is_ended())
        self.control = self.connect()
        conn = self.connect()
        self.assertEqual(self.receive(conn).output(), b"two")  # its fate is unknown; one is confirmed
        self.feed(b"three", end=True)
        self.assertEqual(collect(conn, self.shell, self.command), (b"three", b"", 0))

    def test_service_died_after_the_end(self):
        self.cat()
        self.feed(b"all", end=True)
        self.assertEqual(collect(self.connect(), self.shell, self.command), (b"all", b"", 0))
        self.service.kill_net()
        self.assertEqual(collect(self.connect(), self.shell, self.command)[2], 0)


class Pipelined(Base):
    def test_request_before_the_answer_is_written(self):
        size = 0
        while size < 300000:  # a smaller one the kernel takes whole
            out = self.bulk()
            carrier = self.connect(receive_buffer=4096, segment=536)
            carrier.send(receive(self.shell, self.command, max_size=512000))
            self.assertTrue(select.select([carrier.socket], [], [], 20)[0])
            carrier.send(IDENTIFY)
            wait_for(carrier.is_read, "the server has read the second request")
            answer = carrier.answer()
            size = len(answer.body)
        self.assertEqual(carrier.answer().status, 400)
        self.assertTrue(carrier.is_ended())
        out += answer.output()
        self.assertTrue(out + collect(self.connect(), self.shell, self.command)[0] == SEQ)


class Parked(Base):
    def assert_freed(self, end):
        self.cat()
        carrier = self.connect()
        carrier.send(receive(self.shell, self.command))
        end(carrier)
        self.feed(b"one")
        self.assertEqual(self.receive(self.connect()).output(), b"one")
        return carrier

    def test_half_close_forbids_the_answer(self):
        def end(carrier):
            carrier.fin()
            self.assertTrue(carrier.is_ended())  # at once: its time-out is 20 s away
        before = time.monotonic()
        self.assertEqual(self.assert_freed(end).rest, b"")
        self.assertLess(time.monotonic() - before, 10)

    def test_close(self):
        self.assert_freed(lambda carrier: carrier.close())

    def test_reset(self):
        self.assert_freed(lambda carrier: carrier.reset())

    def test_half_close_with_the_request(self):
        self.cat()
        self.feed(b"one")
        carrier = self.connect()
        carrier.send(receive(self.shell, self.command))
        carrier.fin()
        self.assertTrue(carrier.is_ended())
        out = b"" if not carrier.rest else b"one"  # the answer may have been faster than the FIN
        again = self.receive(self.connect(), timeout="PT1S")
        self.assertEqual(again.output() if again.status == 200 else again.fault, b"one" if not out else TIMED_OUT)

    def test_time_out_keeps_the_output(self):
        self.cat()
        conn = self.connect()
        before = time.monotonic()
        self.assertEqual(self.receive(conn, timeout="PT0.5S").fault, TIMED_OUT)
        self.assertLess(time.monotonic() - before, 5)
        self.feed(b"one")
        self.assertEqual(self.receive(conn).output(), b"one")

    def test_newest_receive_wins(self):
        self.cat()
        first, second = self.connect(), self.connect()
        first.send(receive(self.shell, self.command))
        second.send(receive(self.shell, self.command))
        self.assertEqual(first.answer().fault, REPLACED)
        self.feed(b"one")
        self.assertEqual(second.answer().output(), b"one")

    def test_shell_that_dies_ends_it(self):
        self.cat()
        carrier = self.connect()
        carrier.send(receive(self.shell, self.command))
        other = self.connect()
        other.send(receive(self.shell, self.command))
        self.assertEqual(carrier.answer().fault, REPLACED)  # so the other one is parked
        for pid in self.service.children("winrmd-shell"):
            os.kill(pid, signals.SIGKILL)
        self.assertEqual(other.answer().fault, 995)
        self.assertEqual(self.receive(other).fault, UNKNOWN)


class Bulk(Base):
    """Output fetched ahead must be neither lost nor doubled."""

    def test_connection_lost_on_the_way(self):
        self.command = start(self.control, self.shell, "seq 1 700000")
        carrier = self.connect()
        out = b"".join(self.receive(carrier, max_size=512000).output() for _ in range(4))
        carrier.send(receive(self.shell, self.command, max_size=512000))
        self.assertTrue(select.select([carrier.socket], [], [], 20)[0])
        carrier.reset()
        self.assertTrue(out + collect(self.connect(), self.shell, self.command)[0] == SEQ)

    def test_service_died_on_the_way(self):
        self.command = start(self.control, self.shell, "seq 1 700000")
        carrier = self.connect()
        out = b"".join(self.receive(carrier, max_size=512000).output() for _ in range(4))
        last = self.receive(carrier, max_size=512000).output()
        self.service.kill_net()
        rest = collect(self.connect(), self.shell, self.command)[0]
        self.assertTrue(rest.startswith(last))
        self.assertTrue(out + rest == SEQ)

    def test_streams_change_on_the_way(self):
        self.command = start(self.control, self.shell, "seq 1 700000; echo end >&amp;2")
        carrier = self.connect()
        out = b""
        for i in range(6):
            out += self.receive(carrier, streams="stdout" if i % 2 else "stdout stderr", max_size=153600).output()
        rest, err, _ = collect(carrier, self.shell, self.command)
        self.assertTrue(out + rest == SEQ)
        self.assertEqual(err, b"end\n")

    def test_anything_in_any_order(self):
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        self.command = start(self.control, self.shell, "seq 1 700000")
        conns = [self.connect(), self.connect()]
        out = b""
        done = False
        while not done:
            i = chance.randrange(2)
            size = chance.choice((8192, 60000, 153600, 512000))
            what = chance.choice(("read", "read", "read", "read and close", "read and talk", "reset", "wait"))
            if what in ("reset", "wait"):
                # on a connection that carried nothing which was read: a reset would take that back (rule e)
                conn = self.connect()
                conn.send(receive(self.shell, self.command, max_size=size))
                if what == "wait":
                    select.select([conn.socket], [], [], 20)
                conn.reset()
                continue
            answer = conns[i].call(receive(self.shell, self.command, max_size=size))
            if answer.fault == REPLACED:
                continue  # one that was reset was read only now, and counts as the newer one
            self.assertEqual(answer.status, 200, answer.text[:2000])
            out += answer.output()
            done = answer.done
            if what == "read and close":
                conns[i].close()
                conns[i] = self.connect()
            elif what == "read and talk":
                self.assertEqual(conns[i].call(IDENTIFY).status, 200)
            self.assertTrue(SEQ.startswith(out), f"seed {seed} at {len(out)}")
        self.assertEqual(len(out), len(SEQ), f"seed {seed}")


class Restart(Base):
    def test_commands_live_on(self):
        self.cat()
        self.feed(b"one")
        for _ in range(3):
            self.service.kill_net()
        self.control = self.connect()
        self.feed(b" two", end=True)
        self.assertEqual(collect(self.connect(), self.shell, self.command), (b"one two", b"", 0))
        self.assertEqual(self.control.call(signal(self.shell, self.command)).status, 200)

    def test_terminated_commands_are_remembered(self):
        self.cat()
        self.assertEqual(self.control.call(signal(self.shell, self.command)).status, 200)
        self.service.kill_net()
        self.control = self.connect()
        self.assertEqual(self.control.call(signal(self.shell, self.command)).status, 200)
        self.assertEqual(self.control.call(signal(self.shell, guid())).fault, UNKNOWN)

    def test_parked_receive_of_the_dead_does_not_take_output(self):
        self.cat()
        carrier = self.connect()
        carrier.send(receive(self.shell, self.command))
        other = self.connect()
        other.send(receive(self.shell, self.command))
        self.assertEqual(carrier.answer().fault, REPLACED)
        self.service.kill_net()
        self.control = self.connect()
        self.feed(b"one")
        self.assertEqual(self.receive(self.connect()).output(), b"one")


if __name__ == "__main__":
    unittest.main()
