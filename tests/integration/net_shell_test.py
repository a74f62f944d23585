#!/usr/bin/python3
"""Operations of a shell by raw SOAP: answers, faults and their codes, limits, and who sees what.

Usage: net_shell_test.py BIN-FOLDER
"""
import os
import re
import sys
import unittest

from rawsoap import (CMD, Conn, SHELL, TIMED_OUT, TRANSFER, UNKNOWN, collect, command, create, delete, envelope, guid,
                     open_shell, receive, send, signal, start, stream)
from service import Service, wait_for

BIN = sys.argv.pop(1)
USERS = {"alice": "wonderland", "bob": "builder"}
PREFIX = "http://schemas.xmlsoap.org/ws/2004/08/addressing"


class Base(unittest.TestCase):
    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.service = Service(BIN, USERS, cls.settings).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.service.__exit__()

    def setUp(self):
        self.conn = Conn(self.service)
        self.addCleanup(self.conn.close)

    def assert_fault(self, body, code, conn=None):
        answer = (conn or self.conn).call(body)
        self.assertEqual((answer.status, answer.fault), (500, code), answer.text)
        return answer


class Dialogue(Base):
    def test_all_of_it(self):
        shell = open_shell(self.conn)
        command_id = start(self.conn, shell, "cat; echo problem >&amp;2; exit 3")
        self.assertEqual(self.conn.call(send(shell, stream(b"some ", command_id),
                                             stream(b"input\n", command_id, end=True))).status, 200)
        self.assertEqual(collect(self.conn, shell, command_id), (b"some input\n", b"problem\n", 3))
        again = self.conn.call(receive(shell, command_id))
        self.assertTrue(again.done)
        self.assertEqual((again.output(), again.exit_code), (b"", 3))
        for _ in range(2):
            self.assertEqual(self.conn.call(signal(shell, command_id)).status, 200)
        self.assert_fault(receive(shell, command_id), UNKNOWN)
        self.assertEqual(self.conn.call(delete(shell)).status, 200)
        self.assert_fault(delete(shell), UNKNOWN)
        log = self.service.log()
        self.assertEqual(log.count(f"shell {shell} created for alice from 127.0.0.1"), 1)
        self.assertEqual(log.count(f"shell {shell} of alice deleted"), 1)

    def test_create_answer(self):
        shell = guid().lower()
        request = create(shell_id=shell, body="<rsp:IdleTimeOut>PT90S</rsp:IdleTimeOut>")
        answer = self.conn.call(request)
        message_id = re.search(r"<a:MessageID>(.*?)</a:MessageID>", request)[1]
        self.assertIn(f"<a:Action>{TRANSFER}/CreateResponse</a:Action>", answer.text)
        self.assertIn(f"<a:RelatesTo>{message_id}</a:RelatesTo>", answer.text)
        self.assertRegex(answer.text, "<a:MessageID>uuid:[0-9A-F-]{36}</a:MessageID>")
        self.assertIn(f'<w:Selector Name="ShellId">{shell}</w:Selector>', answer.text)
        self.assertIn(f"<a:Address>http://{self.conn.host}/wsman</a:Address>", answer.text)
        children = re.findall(r"<rsp:(\w+)>([^<]*)<", answer.text[answer.text.index("<rsp:Shell"):])
        self.assertEqual(children, [
            ("ShellId", shell), ("ResourceUri", CMD), ("Owner", "alice"), ("ClientIP", "127.0.0.1"),
            ("IdleTimeOut", "PT90.000S"), ("InputStreams", "stdin"), ("OutputStreams", "stdout stderr"),
            ("MaxIdleTimeOut", "PT2147483.647S"), ("ShellRunTime", "P0DT0H0M0S"), ("ShellInactivity", "P0DT0H0M0S")])
        self.assert_fault(create(shell_id=shell.upper()), 2150859223)
        self.assertEqual(self.conn.call(delete(f"uuid:{shell.upper()}")).status, 200)

    def test_done_answer(self):
        shell = open_shell(self.conn)
        command_id = start(self.conn, shell, "true", command_id=guid().lower())
        answer = self.conn.call(receive(shell, command_id.upper()))
        tail = re.search("<rsp:ReceiveResponse>(.*)</rsp:ReceiveResponse>", answer.text)[1]
        self.assertEqual(tail, "".join(
            f'<rsp:Stream Name="{name}" CommandId="{command_id}" End="true"></rsp:Stream>'
            for name in ("stdout", "stderr")) +
            f'<rsp:CommandState CommandId="{command_id}" State="{SHELL}/CommandState/Done">'
            "<rsp:ExitCode>0</rsp:ExitCode></rsp:CommandState>")
        self.conn.call(delete(shell))

    def test_running_answer(self):
        shell = open_shell(self.conn)
        command_id = start(self.conn, shell, "echo hi; cat")
        answer = self.conn.call(receive(shell, command_id))
        self.assertEqual((answer.output(), answer.done, answer.exit_code), (b"hi\n", False, None))
        self.assertEqual(answer.text.count("<rsp:CommandState "), 1)
        self.assertIn('CommandState/Running"></rsp:CommandState>', answer.text)
        self.conn.call(delete(shell))

    def test_environment_and_folder(self):
        shell = open_shell(self.conn, body='<rsp:Environment><rsp:Variable Name="GREETING">  a=b &amp; c</rsp:Variable>'
                           "</rsp:Environment><rsp:WorkingDirectory>/usr</rsp:WorkingDirectory>")
        command_id = start(self.conn, shell, "pwd; printf '%s' \"$GREETING\"")
        self.assertEqual(collect(self.conn, shell, command_id)[0], b"/usr\n  a=b & c")
        self.conn.call(delete(shell))

    def test_streams_with_any_white_space_between(self):
        shell = open_shell(self.conn, streams=("\tstdin\n", "stdout\t\r\n stderr"))
        command_id = start(self.conn, shell, "cat; echo err >&amp;2")
        self.conn.call(send(shell, stream(b"in", command_id, end=True)))
        self.assertEqual(collect(self.conn, shell, command_id), (b"in", b"err\n", 0))
        self.conn.call(delete(shell))

    def test_lines(self):
        shell = open_shell(self.conn)
        skip = [("WINRS_SKIP_CMD_SHELL", "TRUE", False), ("WINRS_CONSOLEMODE_STDIN", "TRUE", True)]
        for line, arguments, options, expected in (
                ("echo", ["a  b", "c"], [], b"a b c\n"),
                ('"echo outer  quotes"', [], [], b"outer quotes\n"),
                ("<![CDATA[echo 'a < b' && echo c]]>", [], [], b"a < b\nc\n"),
                ("/bin/echo", ["a  b", "$HOME"], skip, b"a  b $HOME\n")):
            command_id = start(self.conn, shell, line, arguments=arguments, options=options)
            self.assertEqual(collect(self.conn, shell, command_id)[0], expected)
        self.conn.call(delete(shell))

    def test_signal_codes_without_case(self):
        shell = open_shell(self.conn)
        for code, exit_code in (("ctrl_c", 130), ("CTRL_C", 130)):
            command_id = start(self.conn, shell, "echo up; exec sleep 1000")
            self.assertEqual(self.conn.call(receive(shell, command_id)).output(), b"up\n")
            self.assertEqual(self.conn.call(signal(shell, command_id, code)).status, 200)
            self.assertEqual(collect(self.conn, shell, command_id)[2], exit_code)
            self.assertEqual(self.conn.call(signal(shell, command_id, "Terminate")).status, 200)
        self.conn.call(delete(shell))


class Faults(Base):
    settings = {"MaxShellsPerUser": 2, "MaxConcurrentCommandsPerShell": 2}

    def test_create(self):
        for body, code in (
                (create(shell_id="not-a-guid"), 2150859221),
                (create(streams=("stdin extra", "stdout")), 2150859147),
                (create(streams=("stdin", "stdout pr")), 2150859149),
                (create(options=[("protocolversion", "2.3", True)]), 2150858834),
                (create(options=[("WINRS_CODEPAGE", "latin", False)]), 2150859072),
                (create(body="<rsp:IdleTimeOut>3600000</rsp:IdleTimeOut>"), 2150858817),
                (create(body='<rsp:Environment><rsp:Variable Name="">x</rsp:Variable></rsp:Environment>'), 2150858817),
                (create(body='<rsp:Environment><rsp:Variable Name="A=B">x</rsp:Variable></rsp:Environment>'), 2150858817),
                (envelope(TRANSFER + "/Create", "<rsp:Other/>"), 2150858817)):
            self.assert_fault(body, code)
        shell = open_shell(self.conn, options=[("WINRS_NOPROFILE", "FALSE", True), ("winrs_codepage", "437", True),
                                               ("unknown", "x", False)])
        self.conn.call(delete(shell))

    def test_shells_per_user(self):
        shells = [open_shell(self.conn) for _ in range(2)]
        self.assert_fault(create(), 2150859173)
        self.assertIn('refused user "alice" from 127.0.0.1: user alice has 2 shells, the most that '
                      "MaxShellsPerUser allows", self.service.log())
        with Conn(self.service, "bob") as bob:
            shells_of_bob = open_shell(bob)
            bob.call(delete(shells_of_bob))
        self.conn.call(delete(shells[0]))
        shells[0] = open_shell(self.conn)
        for shell in shells:
            self.conn.call(delete(shell))

    def test_commands_per_shell(self):
        shell = open_shell(self.conn)
        running = start(self.conn, shell, "cat")
        start(self.conn, shell, "cat")
        answer = self.assert_fault(command(shell, "cat"), 2150859241)
        self.assertIn("MaxConcurrentCommandsPerShell", answer.text)
        self.assertIn('refused user "alice" from 127.0.0.1: the shell has 2 commands, the most that '
                      "MaxConcurrentCommandsPerShell allows", self.service.log())
        self.assertEqual(self.conn.call(signal(shell, running)).status, 200)  # gives its place back
        start(self.conn, shell, "true")
        self.conn.call(delete(shell))

    def test_unknown_shell(self):
        for shell in (guid(), "no-guid", None):
            for body in (command(shell, "id"), receive(shell, guid()), send(shell, stream(b"", guid())),
                         signal(shell, guid()), delete(shell)):
                self.assert_fault(body, UNKNOWN)

    def test_commands(self):
        shell = open_shell(self.conn)
        command_id = start(self.conn, shell, "cat")
        for body, code in (
                (command(shell, "id", command_id="x"), 2150859220),
                (command(shell, "id", command_id=command_id.lower()), 2150859222),
                (command(shell, ""), 87),
                (command(shell, "id", options=[("other", "1", True)]), 2150858834),
                (command(shell, "id", options=[("WINRS_SKIP_CMD_SHELL", "maybe", False)]), 2150858809),
                (command(shell, "/no/such/program", options=[("WINRS_SKIP_CMD_SHELL", "TRUE", False)]), 2147942402),
                (envelope(SHELL + "/Command", "<rsp:CommandLine/>", shell), 2150858817),
                (receive(shell, None), 87),
                (receive(shell, guid()), UNKNOWN),
                (receive(shell, "x"), UNKNOWN),
                (receive(shell, command_id, "stdout other"), 2150859149),
                (receive(shell, command_id, "stdin"), 2150859149),
                (receive(shell, command_id, timeout="PT0.3S"), TIMED_OUT),
                (send(shell, stream(b"x", None)), 87),
                (send(shell, stream(b"x", guid())), UNKNOWN),
                (send(shell, stream(b"x", command_id, "stdout")), 2150859147),
                (send(shell), 2150858817),
                (send(shell, stream(b"x", command_id).replace("eA==", "e")), 2150858817),
                (send(shell, stream(b"x", command_id), stream(b"x", guid())), 87),
                (signal(shell, command_id, "explode"), 87),
                (signal(shell, None), 87),
                (signal(shell, guid()), UNKNOWN),
                (signal(shell, "x"), UNKNOWN)):
            self.assert_fault(body, code)
        self.assertIn("OperationTimeout", self.conn.call(receive(shell, command_id, timeout="PT0.2S")).text)
        # none of these reached the command
        self.conn.call(send(shell, stream(b"only this", command_id, end=True)))
        self.assertEqual(collect(self.conn, shell, command_id), (b"only this", b"", 0))
        self.assert_fault(send(shell, stream(b"late", command_id)), 109)
        self.conn.call(delete(shell))

    def test_streams_of_the_shell_bound_receive_and_send(self):
        shell = open_shell(self.conn, streams=("", "stdout"))
        command_id = start(self.conn, shell, "echo out")
        self.assert_fault(receive(shell, command_id, "stderr"), 2150859149)
        self.assertEqual(self.conn.call(receive(shell, command_id, "stdout")).output(), b"out\n")
        self.conn.call(delete(shell))

    def test_delete_ends_what_waits(self):
        shell = open_shell(self.conn)
        command_id = start(self.conn, shell, "sleep 1000")
        with Conn(self.service) as parked:
            parked.send(receive(shell, command_id))
            # parked for certain: a second one on a third connection replaces it
            with Conn(self.service) as other:
                other.send(receive(shell, command_id))
                self.assertEqual(parked.answer().fault, 2150859047)
                self.assertEqual(self.conn.call(delete(shell)).status, 200)
                self.assertEqual(other.answer().fault, 995)

    def test_terminate_ends_what_waits(self):
        shell = open_shell(self.conn)
        command_id = start(self.conn, shell, "sleep 1000")
        with Conn(self.service) as parked, Conn(self.service) as other:
            parked.send(receive(shell, command_id))
            other.send(receive(shell, command_id))
            self.assertEqual(parked.answer().fault, 2150859047)
            self.assertEqual(self.conn.call(signal(shell, command_id)).status, 200)
            self.assertEqual(other.answer().fault, 995)
        self.conn.call(delete(shell))


class Users(Base):
    def test_a_shell_of_one_user_does_not_exist_for_another(self):
        shell = open_shell(self.conn)
        command_id = start(self.conn, shell, "cat")
        with Conn(self.service, "bob") as bob:
            for body in (command(shell, "id"), receive(shell, command_id), send(shell, stream(b"x", command_id)),
                         signal(shell, command_id), delete(shell)):
                answer = self.assert_fault(body, UNKNOWN, bob)
                unknown = self.assert_fault(body.replace(shell, guid()), UNKNOWN, bob)
                self.assertEqual(re.sub("[0-9A-F]{8}-[0-9A-F-]{27}", "", answer.text.upper()),
                                 re.sub("[0-9A-F]{8}-[0-9A-F-]{27}", "", unknown.text.upper()))
            same = open_shell(bob, shell_id=shell)  # ids are each user's own
            self.assertEqual(bob.call(delete(same)).status, 200)
        self.conn.call(send(shell, stream(b"mine", command_id, end=True)))
        self.assertEqual(collect(self.conn, shell, command_id)[0], b"mine")
        self.conn.call(delete(shell))


class Envelopes(Base):
    def test_no_answer_is_longer_than_the_client_takes(self):
        shell = open_shell(self.conn)
        for size in (8192, 20000, 153600, 512000):
            command_id = start(self.conn, shell, "head -c 1000000 /dev/zero; echo end >&amp;2")
            total = 0
            while True:
                answer = self.conn.call(receive(shell, command_id, max_size=size))
                self.assertEqual(answer.status, 200, answer.text[:2000])
                self.assertLessEqual(len(answer.body), size)
                total += len(answer.output())
                if answer.done:
                    break
            self.assertEqual(total, 1000000)
        self.conn.call(delete(shell))

    def test_output_is_complete_and_in_order(self):
        shell = open_shell(self.conn)
        command_id = start(self.conn, shell, "seq 1 1000000")
        out, _, code = collect(self.conn, shell, command_id, max_size=512000)
        self.assertEqual(code, 0)
        self.assertEqual(out, b"".join(b"%d\n" % i for i in range(1, 1000001)))
        self.conn.call(delete(shell))

    def test_utf16_output(self):
        shell = open_shell(self.conn)
        command_id = start(self.conn, shell, "seq 1 100000")
        out = b""
        while True:
            body = b"\xff\xfe" + receive(shell, command_id, max_size=20000).encode("utf-16-le")
            self.conn.socket.sendall(self.conn.head(len(body)).replace(b"UTF-8", b"UTF-16") + body)
            answer = self.conn.answer()
            self.assertEqual(answer.status, 200)
            self.assertLessEqual(len(answer.body), 20000)
            out += answer.output()
            if answer.done:
                break
        self.assertEqual(out, b"".join(b"%d\n" % i for i in range(1, 100001)))
        self.conn.call(delete(shell))

    def test_input_that_is_not_read_times_out_and_is_not_lost(self):
        fifo = os.path.join(self.service.folder, "fifo")
        os.mkfifo(fifo)
        shell = open_shell(self.conn)
        command_id = start(self.conn, shell, "echo up; read go &lt;FIFO; cat | cksum".replace("FIFO", fifo))
        block = b"x" * 200000
        sent = 0
        while True:
            answer = self.conn.call(send(shell, stream(block, command_id), timeout="PT0.5S", max_size=512000))
            sent += len(block)
            if answer.status != 200:
                break
            self.assertLess(sent, 100 << 20)
        self.assertEqual(answer.fault, TIMED_OUT)
        self.assert_fault(send(shell, stream(b"more", command_id)), 170)
        with open(fifo, "w") as file:
            file.write("go\n")

        def is_taken():
            answer = self.conn.call(send(shell, stream(b"", command_id, end=True)))
            return answer.status == 200 or self.assertEqual(answer.fault, 170)
        wait_for(is_taken, "the command reads its input")
        out = collect(self.conn, shell, command_id)[0]
        self.assertEqual(out.split()[:3][-1], str(sent).encode())
        self.conn.call(delete(shell))


if __name__ == "__main__":
    unittest.main()
