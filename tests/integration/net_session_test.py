#!/usr/bin/python3
"""Who holds a shell: Disconnect, Reconnect, Connect, take-over, what happens by itself when a client's
connections are gone, and Get, Enumerate, Pull, Release.

Usage: net_session_test.py BIN-FOLDER
"""
import os
import re
import signal as signals
import sys
import tempfile
import unittest

from rawsoap import (CMD, Conn, ENUMERATION, SHELL, TRANSFER, UNKNOWN, collect, command, connect, create, delete,
                     disconnect, enumerate_, envelope, get, guid, pull, receive, reconnect, release, selector_filter, send,
                     signal, start, stream)
from service import Service, wait_for

BIN = sys.argv.pop(1)
USERS = {"alice": "wonderland", "bob": "builder"}
AWAY, UNABLE, MISMATCH, OTHERS, STREAM = 2150859204, 2150859205, 2150859206, 2150859213, 2150859230
BAD_CONTEXT = 2150858779
TAKEOVER = [("WINRMD_TAKEOVER", "true", False)]
ANNOUNCED = [("WINRMD_CLIENT", "1", False)]
COMMANDS = SHELL + "/Command"


class Base(unittest.TestCase):
    settings = {}

    def setUp(self):
        self.service = Service(BIN, USERS, {"MinIdleTimeout": "100", **self.settings}).__enter__()
        self.addCleanup(self.service.__exit__)
        self.conn = self.open()
        self.me, self.other = f"uuid:{guid()}", f"uuid:{guid()}"

    def open(self, **more):
        conn = Conn(self.service, **more)
        self.addCleanup(conn.close)
        return conn

    def check(self, body, expected=None, conn=None):
        """expected: the fault's number, None for a success."""
        answer = (conn or self.conn).call(body)
        self.assertEqual((answer.status, answer.fault), (500 if expected else 200, expected), answer.text)
        return answer

    def shell(self, session=None, conn=None, **more):
        """One that can be disconnected."""
        shell = guid()
        answer = self.check(create(shell, session=session or self.me, **more), conn=conn)
        self.assertEqual((answer.find("State"), answer.find("BufferMode") in ("Block", "Drop")), ("Connected", True))
        return shell

    def state(self, shell, session=None):
        return self.check(get(shell, session=session)).find("State")

    def hosts(self):
        """Shell id to process id, by the records of the run directory."""
        found = {}
        for name in os.listdir(self.service.settings["RunDirectory"]):
            if name.endswith(".host"):
                with open(os.path.join(self.service.settings["RunDirectory"], name)) as record:
                    fields = dict(line.rstrip("\n").split("=", 1) for line in record)
                found[fields["shell"]] = int(fields["pid"])
        return found


def lives(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Table(Base):
    """The rows of the table in src/server/holder.c, on the wire."""

    def uses(self, shell, command_id, session, expected):
        self.check(command(shell, "true", session=session), expected)
        self.check(send(shell, stream(b"", command_id), session=session), expected)
        self.check(receive(shell, command_id, session=session), expected)
        self.check(signal(shell, command_id, "ctrl_c", session=session), expected)

    def test_connected_and_not_taken(self):
        shell = self.shell()
        command_id = start(self.conn, shell, "trap '' INT; echo hi; cat", session=self.me)
        self.check(command(shell, "true", session=self.other))  # script clients name none, or a new one each time
        self.check(receive(shell, command_id, session=self.other))
        self.check(signal(shell, command_id, "ctrl_c"))
        self.check(send(shell, stream(b"x", command_id)))
        self.check(reconnect(shell, session=self.me))
        self.check(reconnect(shell, session=self.other), OTHERS)
        self.check(reconnect(shell), OTHERS)
        self.check(connect(shell, session=self.other), OTHERS)
        self.check(connect(shell, session=self.me), OTHERS)
        self.check(disconnect(shell, session=self.other), OTHERS)
        self.assertEqual(self.state(shell), "Connected")

    def test_disconnected_and_not_taken(self):
        shell = self.shell()
        command_id = start(self.conn, shell, "echo kept; exit 3", session=self.me)
        self.assertIn("<s:Body></s:Body>", self.check(disconnect(shell, session=self.me)).text)
        self.check(disconnect(shell, session=self.me))  # once more: nothing to do
        for session in (self.me, self.other, None):
            self.uses(shell, command_id, session, AWAY)
        self.check(disconnect(shell, session=self.other), MISMATCH)
        self.check(reconnect(shell, session=self.other), MISMATCH)
        self.assertEqual(self.state(shell, self.other), "Disconnected")
        self.assertIn("<s:Body></s:Body>", self.check(reconnect(shell, session=self.me)).text)
        self.assertEqual(self.state(shell), "Connected")
        self.assertEqual(collect(self.conn, shell, command_id, session=self.me), (b"kept\n", b"", 3))

    def test_taken_up_by_another(self):
        shell = self.shell()
        command_id = start(self.conn, shell, "cat", session=self.me)
        self.check(disconnect(shell, session=self.me))
        answer = self.check(connect(shell, session=self.other))
        self.assertIn("<rsp:ConnectResponse><rsp:InputStreams>stdin</rsp:InputStreams><rsp:OutputStreams>stdout stderr"
                      "</rsp:OutputStreams></rsp:ConnectResponse>", answer.text)
        for session in (self.me, None):
            self.uses(shell, command_id, session, OTHERS)
            self.check(reconnect(shell, session=session), OTHERS)
            self.check(connect(shell, session=session), OTHERS)
            self.check(disconnect(shell, session=session), OTHERS)
        self.check(send(shell, stream(b"mine now", command_id, end=True), session=self.other))
        self.assertEqual(collect(self.conn, shell, command_id, session=self.other), (b"mine now", b"", 0))
        self.check(disconnect(shell, session=self.other))
        self.uses(shell, command_id, self.me, MISMATCH)
        self.uses(shell, command_id, self.other, AWAY)
        self.check(reconnect(shell, session=self.me), MISMATCH)
        self.check(connect(shell, session=self.me))  # and back
        self.uses(shell, command_id, self.other, OTHERS)
        self.check(command(shell, "true", session=self.me))

    def test_taken_over(self):
        shell = self.shell()
        command_id = start(self.conn, shell, "cat", session=self.me)
        old = self.open()
        old.send(receive(shell, command_id, session=self.me))
        wait_for(old.is_read, "the Receive is parked")
        self.check(connect(shell, session=self.other, options=TAKEOVER))
        self.assertEqual(old.answer().fault, OTHERS)  # what it waited for is not for it any more
        self.uses(shell, command_id, self.me, OTHERS)
        self.check(connect(shell, session=self.other, options=TAKEOVER))  # from itself
        self.check(send(shell, stream(b"x", command_id, end=True), session=self.other))
        self.assertEqual(collect(self.conn, shell, command_id, session=self.other), (b"x", b"", 0))
        self.check(disconnect(shell, session=self.me, options=TAKEOVER))  # the shell is the taker's
        self.uses(shell, command_id, self.other, MISMATCH)
        self.uses(shell, command_id, self.me, AWAY)
        self.check(reconnect(shell, session=self.me))
        self.check(command(shell, "true", session=self.me))

    def test_take_over_must_be_a_boolean(self):
        shell = self.shell()
        for make in (connect, disconnect):
            answer = self.conn.call(make(shell, session=self.other, options=[("WINRMD_TAKEOVER", "perhaps", False)]))
            self.assertEqual(answer.status, 500)
            self.check(make(shell, session=self.other, options=[("WINRMD_TAKEOVER", "false", True)]), OTHERS)

    def test_sessions_compare_without_case(self):
        shell = self.shell()
        self.check(disconnect(shell, session=self.me.upper()))
        self.check(reconnect(shell, session=f" {self.me.lower()}\n"))

    def test_shells_of_stock_clients_cannot_be_disconnected(self):
        for more in ({}, {"session": self.me}, {"shell_id": guid()}):
            answer = self.check(create(**more))
            self.assertIsNone(answer.find("State"))
            self.assertIsNone(answer.find("BufferMode"))
            shell = answer.find("ShellId")
            self.check(disconnect(shell, session=more.get("session")), UNABLE)
            self.check(disconnect(shell, session=self.other, options=TAKEOVER), UNABLE)
            self.assertIsNone(self.check(get(shell)).find("BufferMode"))
        self.check(reconnect(shell))  # the one anonymous session holds it
        self.check(connect(shell, session=self.other, options=TAKEOVER))
        self.check(command(shell, "true"), OTHERS)

    def test_other_users_see_nothing(self):
        shell = self.shell()
        command_id = start(self.conn, shell, "cat", session=self.me)
        bob = self.open(user="bob")
        self.check(enumerate_(COMMANDS, inner=selector_filter(shell)), None)
        for _ in range(2):
            for body in (command(shell, "true", session=self.me), send(shell, stream(b"", command_id), session=self.me),
                         receive(shell, command_id, session=self.me), signal(shell, command_id, session=self.me),
                         disconnect(shell, session=self.me, options=TAKEOVER), reconnect(shell, session=self.me),
                         reconnect(shell, command_id=command_id, session=self.me), connect(shell, command_id=command_id),
                         connect(shell, session=self.me, options=TAKEOVER), get(shell), get(shell, uri=CMD), delete(shell),
                         enumerate_(COMMANDS, inner=selector_filter(shell))):
                self.check(body, UNKNOWN, bob)
            self.assertEqual(self.check(enumerate_(), conn=bob).find_all("ShellId"), [])
            self.check(disconnect(shell, session=self.me))
        self.assertEqual(self.check(enumerate_()).find_all("ShellId"), [shell])

    def test_delete_by_any_session_in_any_state(self):
        for prepare in ((), (disconnect,), (disconnect, reconnect)):
            shell = self.shell()
            for make in prepare:
                self.check(make(shell, session=self.me))
            self.check(delete(shell, session=self.other))
            self.check(reconnect(shell, session=self.me), UNKNOWN)

    def test_command_forms(self):
        shell = self.shell()
        command_id = start(self.conn, shell, "cat", session=self.me)
        self.check(disconnect(shell, session=self.me))
        self.check(reconnect(shell, command_id=command_id, session=self.me), AWAY)
        self.check(connect(shell, command_id=command_id, session=self.me), AWAY)
        self.check(reconnect(shell, session=self.me))
        self.check(reconnect(shell, command_id=command_id.lower(), session=self.me))
        self.assertIn("<rsp:ConnectResponse/>", self.check(
            connect(shell, command_id=command_id, session=self.me)).text.replace("></rsp:ConnectResponse>", "/>"))
        for make in (reconnect, connect):
            self.check(make(shell, command_id=guid(), session=self.me), UNKNOWN)
        self.check(send(shell, stream(b"x", command_id, end=True), session=self.me))
        self.assertEqual(collect(self.conn, shell, command_id, session=self.me), (b"x", b"", 0))

    def test_session_id_has_a_limit(self):
        shell = self.shell("x" * 128)
        self.check(disconnect(shell, session="X" * 128))
        answer = self.conn.call(reconnect(shell, session="x" * 129))
        self.assertEqual(answer.status, 500)
        self.assertIn("SessionId is longer than 128 bytes", answer.text)
        self.check(reconnect(shell, session=" " * 50 + "x" * 128))

    def test_actions_and_resources(self):
        shell = self.shell()
        for make, uri in ((create, SHELL), (disconnect, SHELL), (get, COMMANDS), (receive, COMMANDS)):
            arguments = [] if make is create else [shell, guid()] if make is receive else [shell]
            answer = self.conn.call(make(*arguments, uri=uri))
            self.assertIn("a:ActionNotSupported", answer.text)
        self.assertEqual(self.conn.call(get(shell, uri=SHELL + "/other")).fault, self.conn.call(create(uri="x")).fault)
        for make in (disconnect, reconnect, connect, get):
            self.check(make(guid(), session=self.me), UNKNOWN)

    def test_bad_bodies(self):
        shell = self.shell()
        for body in (disconnect(shell, idle="3600", session=self.me), disconnect(shell, mode="Throw", session=self.me),
                     reconnect(shell, mode="Both", session=self.me), connect(shell, mode="Both", session=self.me),
                     create(guid(), body="<rsp:BufferMode>x</rsp:BufferMode>", session=self.me)):
            self.check(body, 2150858817)
        self.assertEqual(self.state(shell), "Connected")


class LettingGo(Base):
    def test_parked_receive_ends_before_the_disconnect(self):
        shell = self.shell()
        silent = start(self.conn, shell, "sleep 1000", session=self.me)
        parked = self.open()
        parked.send(receive(shell, silent, session=self.me))
        wait_for(parked.is_read, "the Receive is parked")
        self.check(disconnect(shell, session=self.me))
        parked.socket.settimeout(5)
        self.assertEqual(parked.answer().fault, STREAM)
        self.assertEqual(STREAM, 0x803381DE)

    def test_what_is_there_is_delivered_first(self):
        shell = self.shell()
        command_id = start(self.conn, shell, "echo first; read line; echo $line; sleep 1000", session=self.me)
        self.assertEqual(self.check(receive(shell, command_id, session=self.me)).output(), b"first\n")
        parked = self.open()
        parked.send(receive(shell, command_id, session=self.me))
        wait_for(parked.is_read, "the Receive is parked")
        self.check(send(shell, stream(b"second\n", command_id), session=self.me))
        self.assertEqual(parked.answer().output(), b"second\n")
        self.check(disconnect(shell, session=self.me))

    def test_receive_that_is_not_decided_about_ends_too(self):
        shell = self.shell()
        command_id = start(self.conn, shell, "head -c 400000 /dev/zero; sleep 1000", session=self.me)
        slow = self.open(receive_buffer=4096, segment=536)
        slow.send(receive(shell, command_id, session=self.me, max_size=512000))
        slow.socket.recv(1)  # part of the answer is here, the rest cannot be
        second = self.open()
        second.send(receive(shell, command_id, session=self.me))
        wait_for(second.is_read, "the second Receive was read")
        self.check(disconnect(shell, session=self.me))
        self.assertEqual(second.answer().fault, STREAM)
        self.check(reconnect(shell, session=self.me))
        output = b""
        while len(output) < 400000:
            output += self.check(receive(shell, command_id, session=self.me)).output()
        self.assertEqual(output, bytes(400000))

    def test_output_while_away_is_kept(self):
        shell = self.shell()
        command_id = start(self.conn, shell, "for i in 1 2 3; do echo $i; done; exit 7", session=self.me)
        self.check(disconnect(shell, session=self.me))
        wait_for(lambda: self.check(enumerate_(COMMANDS, inner=selector_filter(shell))).find("CommandState") == "Done",
                 "the command has ended")
        self.check(connect(shell, session=self.other))
        self.assertEqual(collect(self.conn, shell, command_id, session=self.other), (b"1\n2\n3\n", b"", 7))

    def test_commands_under_way_come_first_and_later_ones_wait(self):
        shell = self.shell()
        host = self.hosts()[shell]
        os.kill(host, signals.SIGSTOP)
        try:
            before, letting_go, later, deleted = (self.open() for _ in range(4))
            for conn, body in ((before, command(shell, "echo before", session=self.me)),
                               (letting_go, disconnect(shell, session=self.me)),
                               (later, command(shell, "echo later", session=self.me))):
                conn.send(body)
                wait_for(conn.is_read, "it was read")
            self.assertEqual(self.conn.call(command(shell, "true", session=self.me, timeout="PT0.3S")).fault, 2150858793)
        finally:
            os.kill(host, signals.SIGCONT)
        answer = before.answer()
        self.assertEqual(answer.status, 200)
        self.assertEqual(letting_go.answer().status, 200)
        self.assertEqual(later.answer().fault, AWAY)
        self.check(reconnect(shell, session=self.me))
        self.assertEqual(collect(self.conn, shell, answer.find("CommandId"), session=self.me), (b"before\n", b"", 0))

    def test_input_is_whole_before(self):
        shell = self.shell()
        command_id = start(self.conn, shell, "sleep 0.2; wc -c", session=self.me)
        data = os.urandom(100000)
        stuck = self.open()
        for number in range(30):  # more than the host takes at once: one of them waits for room
            body = send(shell, stream(data, command_id, end=number == 29), session=self.me, max_size=512000)
            stuck.send(body)
            if number < 29:
                self.assertEqual(stuck.answer().status, 200)
        self.check(disconnect(shell, session=self.me))
        self.assertEqual(stuck.answer().status, 200)
        self.check(reconnect(shell, session=self.me))
        self.assertEqual(collect(self.conn, shell, command_id, session=self.me)[0].strip(), b"3000000")

    def test_idle_time_out_is_kept_or_replaced(self):
        shell = self.shell(body="<rsp:IdleTimeOut>PT90S</rsp:IdleTimeOut>")
        self.check(disconnect(shell, session=self.me))
        self.assertEqual(self.check(get(shell)).find("IdleTimeOut"), "PT90.000S")
        self.check(disconnect(shell, idle="PT50S", session=self.me))
        self.assertEqual(self.check(get(shell)).find("IdleTimeOut"), "PT50.000S")
        self.check(reconnect(shell, session=self.me))
        self.assertEqual(self.check(get(shell)).find("IdleTimeOut"), "PT50.000S")
        self.check(disconnect(shell, idle="PT0.001S", session=self.me))  # clamped as at Create
        self.assertEqual(self.conn.call(get(shell)).find("IdleTimeOut"), "PT0.100S")

    def test_buffer_mode_is_kept_or_replaced(self):
        shell = self.shell(body="<rsp:BufferMode>Drop</rsp:BufferMode>")
        mode = lambda: self.check(get(shell)).find("BufferMode")
        self.assertEqual(mode(), "Drop")
        for body, expected in ((disconnect(shell, session=self.me), "Drop"),
                               (disconnect(shell, mode="Block", session=self.me), "Block"),
                               (reconnect(shell, mode="Drop", session=self.me), "Drop"),
                               (reconnect(shell, session=self.me), "Drop"),
                               (connect(shell, mode="Block", session=self.me, options=TAKEOVER), "Block"),
                               (disconnect(shell, session=self.me), "Block"),
                               (connect(shell, mode="Drop", session=self.other), "Drop")):
            self.check(body)
            self.assertEqual(mode(), expected)

    def test_disconnected_shell_expires_while_its_commands_run(self):
        shell = self.shell()
        start(self.conn, shell, "sleep 1000", session=self.me)
        host = self.hosts()[shell]
        self.check(disconnect(shell, idle="PT0.5S", session=self.me))
        wait_for(lambda: self.conn.call(get(shell)).fault == UNKNOWN, "it is gone, though it was asked for all the time")
        wait_for(lambda: not lives(host), "its host too")
        self.check(reconnect(shell, session=self.me), UNKNOWN)

    def test_reconnect_stops_the_idle_clock(self):
        shell, witness = self.shell(), self.shell()
        command_id = start(self.conn, shell, "sleep 1000", session=self.me)
        self.check(disconnect(shell, idle="PT1S", session=self.me))
        self.check(disconnect(witness, idle="PT1.5S", session=self.me))
        self.check(reconnect(shell, session=self.me))
        parked = self.open()
        parked.send(receive(shell, command_id, session=self.me))
        wait_for(lambda: self.conn.call(get(witness)).fault == UNKNOWN, "one that was left alone is gone")
        self.assertEqual(self.state(shell), "Connected")

    def test_reconnect_starts_the_idle_clock_anew(self):
        shell = self.shell()
        self.check(disconnect(shell, idle="PT3S", session=self.me))

        def wait_2_seconds():
            witness = self.shell()
            self.check(disconnect(witness, idle="PT2S", session=self.me))
            wait_for(lambda: self.conn.call(get(witness)).fault == UNKNOWN, "it is gone")
        wait_2_seconds()
        self.check(reconnect(shell, session=self.me))
        wait_2_seconds()
        self.assertEqual(self.state(shell), "Connected")

    def test_hosts_of_a_killed_service_die_of_their_own_clock(self):
        shell = self.shell()
        start(self.conn, shell, "sleep 1000", session=self.me)
        host = self.hosts()[shell]
        self.check(disconnect(shell, idle="PT0.5S", session=self.me))
        self.service.process.kill()
        self.service.process.wait()
        wait_for(lambda: not lives(host), "the host is gone")


class Restart(Base):
    def test_all_of_it_survives(self):
        shell = self.shell()
        command_id = start(self.conn, shell, "echo kept; cat", session=self.me)
        self.check(disconnect(shell, idle="PT77S", mode="Drop", session=self.me))
        self.check(connect(shell, session=self.other))
        connected = self.shell()
        self.service.kill_net()
        self.conn = self.open()
        self.check(receive(shell, command_id, session=self.me), OTHERS)
        self.check(connect(connected, session=self.other), OTHERS)
        answer = self.check(get(shell))
        self.assertEqual([answer.find(name) for name in ("State", "BufferMode", "IdleTimeOut")],
                         ["Connected", "Drop", "PT77.000S"])
        self.check(disconnect(shell, session=self.other))
        self.service.kill_net()
        self.conn = self.open()
        self.check(receive(shell, command_id, session=self.me), MISMATCH)
        self.check(receive(shell, command_id, session=self.other), AWAY)
        self.assertEqual(self.state(shell), "Disconnected")
        self.check(reconnect(shell, session=self.other))
        self.assertEqual(self.check(receive(shell, command_id, session=self.other)).output(), b"kept\n")

    def test_disconnect_while_the_service_is_killed(self):
        shell = self.shell()
        host = self.hosts()[shell]
        os.kill(host, signals.SIGSTOP)
        try:
            self.conn.send(disconnect(shell, session=self.me))
            wait_for(self.conn.is_read, "it was read")
            self.service.kill_net()
            self.conn = self.open()
        finally:
            os.kill(host, signals.SIGCONT)
        self.check(disconnect(shell, session=self.me))  # whatever came of the first
        self.assertEqual(self.state(shell), "Disconnected")


class Automatic(Base):
    settings = {"AutoDisconnectTimeout": "1000"}

    def flipped(self, shell):
        return wait_for(lambda: self.state(shell) == "Disconnected", "it was let go of")

    def test_client_that_vanishes_and_comes_back(self):
        client = self.open()
        shell = self.shell(conn=client)
        command_id = start(client, shell, "echo out; cat", session=self.me)
        client.reset()
        self.flipped(shell)
        self.assertIn("AutoDisconnectTimeout", self.service.log())
        self.check(receive(shell, command_id, session=self.other), AWAY)
        self.check(reconnect(shell, session=self.other), MISMATCH)
        self.assertEqual(self.state(shell), "Disconnected")
        self.assertEqual(self.check(receive(shell, command_id, session=self.me)).output(), b"out\n")  # no fault
        self.assertEqual(self.state(shell), "Connected")
        self.check(send(shell, stream(b"x", command_id, end=True), session=self.me))
        self.assertEqual(collect(self.conn, shell, command_id, session=self.me), (b"x", b"", 0))

    def test_many_requests_at_once_heal_it(self):
        client = self.open()
        shell = self.shell(conn=client)
        command_id = start(client, shell, "cat", session=self.me)
        client.close()
        self.flipped(shell)
        conns = [self.open() for _ in range(5)]
        for conn in conns[:-1]:
            conn.send(command(shell, "true", session=self.me))
        conns[-1].send(send(shell, stream(b"y", command_id, end=True), session=self.me))
        self.assertEqual([conn.answer().status for conn in conns], [200] * 5)
        self.assertEqual(self.service.log().count(f"shell {shell} of alice connected"), 1)

    def test_one_open_connection_is_enough(self):
        client, spare, gone = self.open(), self.open(), self.open()
        shell = self.shell(conn=client)
        witness = self.shell(session=self.other, conn=gone)
        self.check(get(shell, session=self.me), conn=spare)
        client.close()
        gone.close()
        self.flipped(witness)
        self.assertEqual(self.state(shell), "Connected")
        spare.close()
        self.flipped(shell)

    def test_parked_receive_is_an_open_connection(self):
        client, gone = self.open(), self.open()
        shell = self.shell(conn=client)
        command_id = start(client, shell, "cat", session=self.me)
        witness = self.shell(session=self.other, conn=gone)
        parked = self.open()
        parked.send(receive(shell, command_id, session=self.me))
        wait_for(parked.is_read, "the Receive is parked")
        client.close()
        gone.close()
        self.flipped(witness)
        self.assertEqual(self.state(shell), "Connected")

    def test_others_may_take_it_up(self):
        client = self.open()
        shell = self.shell(conn=client)
        client.close()
        self.flipped(shell)
        self.check(connect(shell, session=self.other))
        self.check(command(shell, "true", session=self.me), OTHERS)

    def test_own_reconnect_and_disconnect(self):
        client = self.open()
        first, second = self.shell(conn=client), self.shell(conn=client)
        client.close()
        self.flipped(first)
        self.flipped(second)
        self.check(disconnect(first, session=self.me))
        self.check(command(first, "true", session=self.me), AWAY)  # by wish now: nothing heals by itself
        self.check(reconnect(second, session=self.me))
        self.check(command(second, "true", session=self.me))

    def test_stock_clients_never_flip(self):
        stock, client = self.open(), self.open()
        shells = [self.check(create(**more), conn=stock).find("ShellId")
                  for more in ({}, {"session": self.other}, {"shell_id": guid()})]
        stock.close()
        witness = self.shell(conn=client)
        client.close()
        self.flipped(witness)
        self.assertEqual([self.state(shell) for shell in shells], ["Connected"] * 3)
        self.check(command(shells[0], "true"))

    def test_time_is_counted_anew_after_a_restart(self):
        shell = self.shell()
        self.service.kill_net()
        self.conn = self.open()
        self.assertEqual(self.state(shell), "Connected")
        self.flipped(shell)
        self.check(command(shell, "true", session=self.me))

    def test_service_killed_while_it_is_flipped(self):
        shell = self.shell()
        self.conn.close()
        self.conn = self.open()
        self.flipped(shell)
        self.service.kill_net()
        self.conn = self.open()
        self.assertEqual(self.state(shell), "Disconnected")
        self.check(command(shell, "true", session=self.me))
        self.assertEqual(self.state(shell), "Connected")

    def test_many_sessions_on_one_connection(self):
        shells = {}
        proxy = self.open()
        for _ in range(12):
            session = f"uuid:{guid()}"
            shells[session] = self.shell(session, conn=proxy)
        for session, shell in shells.items():  # some were forgotten and flipped meanwhile: none notices
            self.check(command(shell, "true", session=session), conn=proxy)
        for shell in shells.values():
            self.check(delete(shell))


class Listing(Base):
    def test_get(self):
        shell = self.shell(body='<rsp:WorkingDirectory>/usr</rsp:WorkingDirectory><rsp:Name>nightly &amp; co</rsp:Name>')
        start(self.conn, shell, "sleep 1000", session=self.me)
        for uri in (SHELL, CMD):
            answer = self.check(get(shell, uri=uri))
            self.assertIn(f"<a:Action>{TRANSFER}/GetResponse</a:Action>", answer.text)
            children = dict(re.findall(r"<rsp:(\w+)>([^<]*)<", answer.text[answer.text.index("<rsp:Shell"):]))
            expected = {"ShellId": shell, "Name": "nightly &amp; co", "ResourceUri": CMD, "Owner": "alice",
                        "ClientIP": "127.0.0.1", "WorkingDirectory": "/usr", "InputStreams": "stdin",
                        "OutputStreams": "stdout stderr", "BufferMode": "Block", "State": "Connected",
                        "IdleTimeOut": "PT7200.000S", "MaxIdleTimeOut": "PT2147483.647S"}
            self.assertEqual({name: children.get(name) for name in expected}, expected)
            self.assertRegex(children["ShellRunTime"], r"^P0DT0H0M\d+S$")
            self.assertRegex(children["MemoryUsed"], r"^\d+MB$")
            self.assertGreaterEqual(int(children["ChildProcesses"]), 1)
            self.assertNotIn("winrmd", answer.text)
        marked = self.check(get(shell, options=ANNOUNCED)).text
        self.assertIn('"urn:winrmd:shell"', marked)
        self.assertRegex(marked, f'<rsp:Shell [^>]*:SessionId="{self.me}"')

    def test_get_of_nothing(self):
        self.check(get(guid()), UNKNOWN)
        self.check(envelope(TRANSFER + "/Get", "", uri=SHELL), UNKNOWN)
        self.check(get("x" * 5000), UNKNOWN)
        shell = self.shell()
        self.assertEqual(self.conn.call(get(shell, options=[("WHAT", "1", True)])).status, 500)

    def test_asking_is_no_activity(self):
        shell = self.shell(body="<rsp:IdleTimeOut>PT0.7S</rsp:IdleTimeOut>")

        def asked():
            self.check(enumerate_())
            self.conn.call(enumerate_(COMMANDS, inner=selector_filter(shell)))
            return self.conn.call(get(shell)).fault == UNKNOWN
        wait_for(asked, "it ends of its idle clock all the same")

    def test_shells(self):
        self.assertTrue(self.check(enumerate_()).is_end)
        shells = {self.shell() for _ in range(5)}
        self.check(disconnect(max(shells), session=self.me))
        for uri in (SHELL, CMD):
            answer = self.check(enumerate_(uri))
            self.assertIn(f"<a:Action>{ENUMERATION}/EnumerateResponse</a:Action>", answer.text)
            self.assertEqual(set(answer.find_all("ShellId")), shells)
            self.assertEqual(sorted(answer.find_all("State")), ["Connected"] * 4 + ["Disconnected"])
            self.assertTrue(answer.is_end)
            self.assertEqual(answer.context, "")
            self.assertNotIn("winrmd", answer.text)
        self.assertEqual(self.check(enumerate_(options=ANNOUNCED)).text.count(":SessionId="), 5)

    def test_host_that_does_not_answer_hides_no_shell(self):
        stopped, others = self.shell(), {self.shell() for _ in range(3)}
        host = self.hosts()[stopped]
        os.kill(host, signals.SIGSTOP)
        try:
            answer = self.check(enumerate_())
        finally:
            os.kill(host, signals.SIGCONT)
        self.assertEqual(set(answer.find_all("ShellId")), others | {stopped})
        self.assertEqual(answer.find_all("State"), ["Connected"] * 4)
        self.assertEqual(len(answer.find_all("MemoryUsed")), 3)
        self.assertEqual(len(self.check(enumerate_()).find_all("MemoryUsed")), 4)

    def test_pull(self):
        shells = {self.shell() for _ in range(5)}
        answer = self.check(enumerate_(max_elements=2))
        self.assertRegex(answer.context, "^uuid:[0-9A-F-]{36}$")
        self.assertFalse(answer.is_end)
        found = answer.find_all("ShellId")
        self.assertEqual(len(found), 2)
        second = self.check(pull(answer.context))  # one, if not told otherwise
        self.assertIn(f"<a:Action>{ENUMERATION}/PullResponse</a:Action>", second.text)
        self.assertEqual(second.context, answer.context)
        found += second.find_all("ShellId")
        self.assertEqual(len(found), 3)
        last = self.check(pull(answer.context.lower(), 99))
        self.assertTrue(last.is_end)
        self.assertEqual(set(found + last.find_all("ShellId")), shells)
        self.check(pull(answer.context), BAD_CONTEXT)

    def test_not_optimised(self):
        empty = self.check(enumerate_(optimize=False))
        self.assertFalse(empty.is_end)
        last = self.check(pull(empty.context))
        self.assertTrue(last.is_end)
        self.assertNotIn("Items", last.text)
        shell = self.shell()
        answer = self.check(enumerate_(optimize=False))
        self.assertEqual(answer.find_all("ShellId"), [])
        last = self.check(pull(answer.context, 10))
        self.assertEqual((last.find_all("ShellId"), last.is_end), ([shell], True))

    def test_release(self):
        self.shell()
        answer = self.check(enumerate_(optimize=False))
        self.assertIn("<s:Body></s:Body>", self.check(release(answer.context)).text)
        self.check(release(answer.context), BAD_CONTEXT)
        self.check(pull(answer.context), BAD_CONTEXT)

    def test_hostile_contexts(self):
        self.shell()
        answer = self.check(enumerate_(optimize=False))
        bob = self.open(user="bob")
        for make in (pull, release):
            self.check(make(answer.context), BAD_CONTEXT, bob)
            for context in ("", "x", "uuid:", f"uuid:{guid()}", "uuid:" + "9" * 100000, answer.context + "0", "%s%n", "&#9;"):
                self.check(make(context), BAD_CONTEXT)
        for text in ("0", "-1", "x", "99999999999999999999"):
            self.assertEqual(self.conn.call(pull(answer.context, text)).status, 500)
            self.assertEqual(self.conn.call(enumerate_(max_elements=text)).status, 500)
        self.assertEqual(len(self.check(pull(answer.context)).find_all("ShellId")), 1)

    def test_contexts_of_a_user_are_few(self):
        self.shell()
        contexts = [self.check(enumerate_(optimize=False)).context for _ in range(9)]
        self.check(pull(contexts[0]), BAD_CONTEXT)
        for context in contexts[1:]:
            self.check(pull(context))

    def test_commands(self):
        shell = self.shell()
        self.assertTrue(self.check(enumerate_(COMMANDS, inner=selector_filter(shell))).is_end)
        running = start(self.conn, shell, "cat; echo &amp;", session=self.me)
        ended = start(self.conn, shell, "echo out; echo err >&amp;2; exit 5", session=self.me)
        collect(self.conn, shell, ended, session=self.me)
        for body in (enumerate_(COMMANDS, inner=selector_filter(shell)), enumerate_(COMMANDS, shell=shell)):
            answer = self.check(body)
            self.assertEqual(dict(zip(answer.find_all("CommandId"), zip(answer.find_all("CommandLine"),
                                                                        answer.find_all("CommandState")))),
                             {running: ("cat; echo &amp;", "Running"),
                              ended: ("echo out; echo err &gt;&amp;2; exit 5", "Done")})
            self.assertNotIn("winrmd", answer.text)
        marked = self.check(enumerate_(COMMANDS, inner=selector_filter(shell), options=ANNOUNCED)).text
        self.assertIn("urn:winrmd:shell", marked)
        self.assertRegex(marked, r"ExitCode[^>]*>5<")
        self.assertEqual(len(re.findall(r'Stream [^>]*Name="std(?:out|err)"', marked)), 4)

    def test_commands_need_their_shell(self):
        shell = self.shell()
        epr = "<w:EnumerationMode>EnumerateEPR</w:EnumerationMode>"
        self.check(enumerate_(COMMANDS), 2150859200)
        self.check(enumerate_(COMMANDS, inner=epr + selector_filter(shell)), 2150859201)
        self.assertEqual(self.conn.call(enumerate_(inner=epr)).status, 500)
        self.check(enumerate_(COMMANDS, inner=selector_filter(guid())), UNKNOWN)
        self.check(enumerate_(COMMANDS, inner=selector_filter("x")), UNKNOWN)
        self.check(enumerate_(CMD, inner=selector_filter(shell)), 2150858776)
        self.check(enumerate_(SHELL, inner=selector_filter(shell)), 2150858776)
        answer = self.conn.call(enumerate_(COMMANDS, inner=selector_filter(shell).replace("SelectorFilter", "WQL")))
        self.assertEqual(answer.fault, 0x80338019)

    def test_items_are_as_many_as_fit(self):
        shell = self.shell()
        ids = {start(self.conn, shell, "true " + "x" * 3000, session=self.me) for _ in range(12)}
        answer = self.check(enumerate_(COMMANDS, inner=selector_filter(shell), max_size=8192))
        found = answer.find_all("CommandId")
        self.assertTrue(0 < len(found) < 12)
        while not answer.is_end:
            self.assertLessEqual(len(answer.body), 8192)
            answer = self.check(pull(answer.context, 100, uri=COMMANDS, max_size=8192))
            self.assertGreater(len(answer.find_all("CommandId")), 0)
            found += answer.find_all("CommandId")
        self.assertEqual((set(found), len(found)), (ids, 12))

    def test_item_that_does_not_fit(self):
        with tempfile.TemporaryDirectory() as top:
            directory = os.path.join(top, *["&" * 200] * 10)  # five times as long in XML
            os.makedirs(directory)
            name = directory.replace("&", "&amp;")
            shell = self.shell(body=f"<rsp:WorkingDirectory>{name}</rsp:WorkingDirectory>")
            self.check(enumerate_(max_size=8192), 2150858824)
            context = self.check(enumerate_(optimize=False, max_size=8192)).context
            self.check(pull(context, max_size=8192), 2150858824)
            self.assertEqual(self.check(pull(context)).find_all("ShellId"), [shell])  # nothing was lost
            self.check(delete(shell))

    def test_long_command_lines_are_cut(self):
        shell = self.shell()
        start(self.conn, shell, "true " + "x" * 3000, session=self.me)
        line = self.check(enumerate_(COMMANDS, inner=selector_filter(shell))).find("CommandLine")
        self.assertEqual(line, "true " + "x" * 507)

    def test_after_a_restart_all_are_there(self):
        shells = {self.shell() for _ in range(8)}
        context = self.check(enumerate_(max_elements=1)).context
        for _ in range(3):
            self.service.kill_net()
            self.conn = self.open()
            self.assertEqual(set(self.check(enumerate_()).find_all("ShellId")), shells)
        self.check(pull(context), BAD_CONTEXT)


class Deleting(Base):
    def test_host_that_dies_without_an_answer_is_deleted(self):
        shell = self.shell()
        host = self.hosts()[shell]
        os.kill(host, signals.SIGSTOP)
        self.conn.send(delete(shell))
        wait_for(self.conn.is_read, "it was read")
        os.kill(host, signals.SIGKILL)
        self.assertEqual(self.conn.answer().status, 200)
        self.check(delete(shell), UNKNOWN)

    def test_gone_is_gone(self):
        shell = self.shell(body="<rsp:IdleTimeOut>PT0.2S</rsp:IdleTimeOut>")
        wait_for(lambda: self.conn.call(get(shell)).fault == UNKNOWN, "it has expired")
        self.check(delete(shell), UNKNOWN)


if __name__ == "__main__":
    unittest.main()
