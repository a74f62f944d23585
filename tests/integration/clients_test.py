#!/usr/bin/python3
"""Whole dialogues as the clients that people use send them: their envelopes (those of tests/proto),
their connections, and what each of them looks for in an answer.

Usage: clients_test.py BIN-FOLDER
"""
import base64
import hashlib
import os
import re
import select
import sys
import unittest
import uuid
import xml.etree.ElementTree as ElementTree

from rawsoap import CMD, Conn, IDENTIFY, SHELL, TRANSFER, guid
from service import Service, wait_for

BIN = sys.argv.pop(1)
USER, PASSWORD = "alice", "wonderland ünïcode"
DIALOGUES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "proto")
SHELL_ID = "11111111-2222-4333-8444-5555555555A1"
COMMAND_ID = "11111111-2222-4333-8444-5555555555C1"
FAULT_ACTIONS = ("http://schemas.dmtf.org/wbem/wsman/1/wsman/fault",
                 "http://schemas.xmlsoap.org/ws/2004/08/addressing/fault")
ANONYMOUS = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
NS = {"s": "http://www.w3.org/2003/05/soap-envelope", "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
      "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd", "rsp": SHELL,
      "p": "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd", "x": TRANSFER,
      "f": "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"}
ACTIONS = {"create": TRANSFER + "/Create", "delete": TRANSFER + "/Delete", "command": SHELL + "/Command",
           "send": SHELL + "/Send", "receive": SHELL + "/Receive", "signal": SHELL + "/Signal"}


class Reply:
    """An answer as the strictest of the clients reads it."""

    def __init__(self, answer, message_id, action):
        self.status, self.head, self.text = answer.status, answer.head, answer.text
        self.root = ElementTree.fromstring(answer.body)
        # the words that masterzen looks for before it looks at anything else
        assert "Content-Type: application/soap+xml;charset=UTF-8\r\n" in self.head + "\r\n", self.head
        assert self.one("s:Header/a:RelatesTo").text == message_id, self.text  # pypsrp: the same string
        assert re.fullmatch("uuid:" + str(uuid.UUID(int=0)).replace("0", "[0-9A-F]"),
                            self.one("s:Header/a:MessageID").text), self.text  # PSWSMan: a GUID behind "uuid:"
        assert self.one("s:Header/a:To").text == ANONYMOUS
        got = self.one("s:Header/a:Action").text
        assert got == action + "Response" if self.status == 200 else got in FAULT_ACTIONS, self.text
        assert {child.tag.split("}")[1] for child in self.one("s:Header")} == {
            "Action", "MessageID", "To", "RelatesTo"}, self.text  # no OperationID or SequenceId echoed

    def one(self, path):
        found = self.root.findall(path, NS)
        assert len(found) == 1, (path, self.text)
        return found[0]

    @property
    def code(self):
        """The number in the fault, as the text that clients compare."""
        assert self.status == 500, self.text
        return self.one("s:Body/s:Fault/s:Detail/f:WSManFault").get("Code")


class Client:
    """Sends the envelopes of one client, each on the connection of that name."""
    name = None
    path = "/wsman"

    def __init__(self, service, test):
        self.service, self.test, self.conns = service, test, {}
        self.shell = SHELL_ID
        self.command = COMMAND_ID

    def conn(self, name):
        if name not in self.conns:
            self.conns[name] = Conn(self.service, USER)
            self.test.addCleanup(self.conns[name].close)
        return self.conns[name]

    def envelope(self, message, body=None):
        """The kept request with new ids; with another body where one is given."""
        source = message
        if not os.path.exists(f"{DIALOGUES}/{message}/{self.name}.xml"):
            source = "signal"  # the same headers; only action and body differ
        with open(f"{DIALOGUES}/{source}/{self.name}.xml", encoding="utf-8") as file:
            text = file.read()
        message_id = f"uuid:{uuid.uuid4()}"
        text = re.sub(r"(<\w+:MessageID[^>]*>)[^<]*", rf"\g<1>{message_id}", text)
        text = text.replace(ACTIONS[source], ACTIONS[message])
        text = text.replace("/srv/job", "/")  # a folder that is there
        text = text.replace(SHELL_ID, self.shell).replace(COMMAND_ID, self.command)
        if body is None and source != message:
            body = self.receive_body()
        if body is not None:
            text = re.sub(r"(<(\w+):Body[^>]*>).*(</\2:Body>)", lambda m: m[1] + body + m[3], text, flags=re.S)
        return text, message_id

    def receive_body(self, streams="stdout stderr"):
        return (f'<rsp:Receive xmlns:rsp="{SHELL}"><rsp:DesiredStream CommandId="{self.command}">{streams}'
                "</rsp:DesiredStream></rsp:Receive>")

    def post(self, text, message_id, message, conn):
        conn = self.conn(conn)
        raw = text.encode()
        conn.socket.sendall(conn.head(len(raw), path=self.path) + raw)
        return lambda: Reply(conn.answer(), message_id, ACTIONS[message])

    def begin(self, message, body=None, conn="main"):
        """Sends; the result waits for the reply."""
        text, message_id = self.envelope(message, body)
        return self.post(text, message_id, message, conn)

    def call(self, message, body=None, conn="main"):
        reply = self.begin(message, body, conn)()
        self.test.assertEqual(reply.status, 200, reply.text)
        return reply

    def create(self, body=None):
        reply = self.call("create", body)
        # pywinrm: any element with this attribute, so there is only one
        self.test.assertEqual(reply.text.count('Name="ShellId"'), 1)
        self.shell = reply.one(".//w:Selector[@Name='ShellId']").text
        self.test.assertEqual(reply.one("s:Body/rsp:Shell/rsp:ShellId").text, self.shell)
        self.test.assertEqual(reply.one("s:Body/rsp:Shell/rsp:ResourceUri").text, CMD)
        self.test.assertRegex(reply.one("s:Body/rsp:Shell/rsp:IdleTimeOut").text, r"^PT\d+\.\d{3}S$")
        return reply

    def run(self, body=None, line=None):
        if line is not None:
            body = self.command_line(line)
        reply = self.call("command", body)
        self.command = reply.one(".//rsp:CommandId").text
        self.test.assertEqual(len(re.findall(r"CommandId>", reply.text)), 2)  # pywinrm: by the end of the name
        return reply

    @staticmethod
    def command_line(line):
        return (f'<rsp:CommandLine xmlns:rsp="{SHELL}"><rsp:Command>'
                f"{line.replace('&', '&amp;').replace('<', '&lt;')}</rsp:Command></rsp:CommandLine>")

    def collect(self, conn="main"):
        """Receives to the end as pywinrm, masterzen and WinRb do: stdout, stderr, exit code."""
        out = {"stdout": b"", "stderr": b""}
        while True:
            reply = self.begin("receive", conn=conn)()
            if reply.status == 500:
                self.test.assertIn("OperationTimeout", reply.text)
                self.test.assertEqual(reply.code, "2150858793")
                continue
            for stream in reply.root.iterfind(".//rsp:Stream", NS):
                self.test.assertEqual(stream.get("CommandId"), self.command)
                out[stream.get("Name")] += base64.b64decode(stream.text or "")
            state = reply.one(".//rsp:CommandState")  # winrm4j: always there
            if state.get("State").endswith("/Done"):
                self.test.assertEqual(state.get("State"), SHELL + "/CommandState/Done")
                return out["stdout"], out["stderr"], int(reply.one(".//rsp:ExitCode").text)
            self.test.assertEqual(reply.root.findall(".//rsp:ExitCode", NS), [])

    def stdin(self, data, end="", name="stdin", conn="main"):
        return self.begin("send", f'<rsp:Send xmlns:rsp="{SHELL}"><rsp:Stream Name="{name}" CommandId="{self.command}"'
                          f"{end}>{data}</rsp:Stream></rsp:Send>", conn)

    def signal(self, code, conn="main"):
        return self.begin("signal", f'<rsp:Signal xmlns:rsp="{SHELL}" CommandId="{self.command}"><rsp:Code>{code}'
                          "</rsp:Code></rsp:Signal>", conn)

    def delete(self, body=""):
        self.test.assertEqual(len(self.call("delete", body).one("s:Body")), 0)


class Pywinrm(Client):
    name = "pywinrm"


class Masterzen(Client):
    name = "masterzen"


class WinRb(Client):
    name = "winrb"


class Pypsrp(Client):
    name = "pypsrp"


class Windows(Client):
    name = "windows"
    path = "/wsman?PSVersion=5.1.17763.1"


class Openwsman(Client):
    name = "openwsman"


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service(BIN, {USER: PASSWORD, "bob": "other"}).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.service.__exit__(None, None, None)

    def client(self, kind):
        return kind(self.service, self)

    def unknown(self, reply):
        reply = reply()
        self.assertEqual((reply.status, reply.code), (500, "2150858843"), reply.text)

    # ---- all of them ----

    def test_dialogue_of_each(self):
        for kind in (Pywinrm, Masterzen, WinRb, Pypsrp, Windows, Openwsman):
            with self.subTest(kind.name):
                client = self.client(kind)
                client.shell = guid()
                client.create()
                client.command = guid()
                client.run(line="cat; echo problem >&2; exit 3")
                self.assertEqual(client.stdin("c29tZSBpbnB1dAo=", ' End="true"')().status, 200)
                self.assertEqual(client.collect(), (b"some input\n", b"problem\n", 3))
                for _ in range(2):  # pywinrm: its failure would be an exception
                    self.assertEqual(client.signal(SHELL + "/signal/terminate")().status, 200)
                self.unknown(client.begin("receive"))
                client.delete()
                self.unknown(client.begin("delete", ""))

    def test_a_silent_receive_ends_in_time_and_goes_on(self):
        client = self.client(Pywinrm)
        client.create()
        client.run(line="read line; echo $line; exit 4")
        with_less = client.envelope("receive")
        reply = client.post(with_less[0].replace("PT20S", "PT0.2S"), with_less[1], "receive", "main")()
        self.assertEqual(reply.code, "2150858793")
        self.assertIn("OperationTimeout", reply.text)
        client.stdin("aGkK")()
        self.assertEqual(client.collect(), (b"hi\n", b"", 4))
        client.delete()

    def test_only_a_time_out_has_the_word(self):
        client = self.client(Masterzen)
        client.create()
        for begin in (lambda: client.begin("receive"), lambda: client.stdin(""), lambda: client.signal("none"),
                      lambda: client.begin("command", "<rsp:CommandLine/>")):
            reply = begin()()
            self.assertEqual(reply.status, 500)
            self.assertNotIn("OperationTimeout", reply.text)
        client.delete()

    # ---- masterzen ----

    def test_masterzen_sends_text_in_cdata(self):
        client = self.client(Masterzen)
        client.create()
        client.run("<rsp:CommandLine><rsp:Command><![CDATA[printf '%s|' \"a&b\" <&-]]></rsp:Command>"
                   "<rsp:Arguments><![CDATA['<c>']]></rsp:Arguments>"
                   "<rsp:Arguments><![CDATA[']]]]><![CDATA[>']]></rsp:Arguments></rsp:CommandLine>")
        self.assertEqual(client.collect(), (b"a&b|<c>|]]>|", b"", 0))
        client.delete()

    def test_masterzen_uses_a_connection_for_each(self):
        client = self.client(Masterzen)
        client.create()
        client.run(line="cat; exit 5")
        receiving = client.begin("receive", conn="receive")  # parked while the input goes another way
        # EnvelopeSize - 1000 raw bytes: more than 200 KB of base64
        data = os.urandom(153600 - 1000)
        self.assertEqual(client.stdin(base64.b64encode(data).decode(), conn="send")().status, 200)
        self.assertEqual(client.stdin("", ' End="true"', conn="send")().status, 200)
        first = receiving()
        self.assertEqual(first.status, 200)
        got = b"".join(base64.b64decode(s.text or "") for s in first.root.iterfind(".//rsp:Stream", NS))
        self.assertLessEqual(len(first.text.encode()), 153600)
        rest, _, code = client.collect(conn="receive")
        self.assertEqual((got + rest, code), (data, 5))
        self.assertEqual(client.signal(SHELL + "/signal/terminate", conn="signal")().status, 200)
        client.delete()

    def test_masterzen_cancels_with_terminate_from_another_connection(self):
        client = self.client(Masterzen)
        client.create()
        client.run(line="exec sleep 1000")
        receiving = client.begin("receive", conn="receive")
        self.assertEqual(client.signal(SHELL + "/signal/terminate", conn="signal")().status, 200)
        reply = receiving()
        self.assertEqual((reply.status, reply.code), (500, "995"))
        self.assertNotIn("OperationTimeout", reply.text)  # it would ask again for ever
        client.delete()

    # ---- WinRb ----

    def test_winrb_quotes_the_whole_line(self):
        client = self.client(WinRb)
        client.create()
        for line, out in (('"echo hi"', b"hi\n"), ("\"printf '%s' \"a  b\"\"", b"a  b"), ('"echo" "a  b"', b"a  b\n")):
            client.command = guid()
            client.run(f'<rsp:CommandLine CommandId="{client.command}"><rsp:Command>'
                       f"{line.replace(chr(34), '&quot;')}</rsp:Command></rsp:CommandLine>")
            self.assertEqual(client.collect(), (out, b"", 0), line)
            self.assertEqual(client.signal(SHELL + "/signal/terminate")().status, 200)
        client.delete()

    def test_winrb_chooses_the_command_id(self):
        client = self.client(WinRb)
        client.create()
        chosen = str(uuid.uuid4())  # small letters: it comes back as it was sent
        body = client.command_line("cat").replace("<rsp:CommandLine ", f'<rsp:CommandLine CommandId="{chosen}" ')
        self.assertEqual(client.run(body).one(".//rsp:CommandId").text, chosen)
        again = client.begin("command", body.replace(chosen, chosen.upper()))()
        self.assertEqual(again.code, "2150859222")
        self.assertEqual(client.signal(SHELL + "/signal/terminate")().status, 200)
        client.run(body)  # free again
        client.delete()

    def test_winrb_breaks_base64_into_lines_and_has_no_end(self):
        client = self.client(WinRb)
        client.create()
        client.run(line="head -c 3000 | sha256sum")
        data = os.urandom(3000)
        lines = base64.b64encode(data).decode()
        lines = "".join(lines[i:i + 60] + "\n" for i in range(0, len(lines), 60))
        self.assertEqual(client.stdin(lines)().status, 200)
        self.assertEqual(client.collect()[0].split()[0].decode(), hashlib.sha256(data).hexdigest())
        client.delete()

    def test_winrb_gets_data_done_and_exit_code_together(self):
        """It reads the exit code only beside data (WinRb 154). A machine that is busy for longer than
        the service waits for the end keeps them apart, so not each of these has to have both."""
        client = self.client(WinRb)
        client.create()
        together = 0
        for _ in range(20):
            client.command = guid()
            client.run(line="echo hi; exit 9")
            reply = client.call("receive")
            self.assertEqual(base64.b64decode(reply.root.find(".//rsp:Stream", NS).text), b"hi\n")
            together += "<rsp:ExitCode>9<" in reply.text
            self.assertEqual(client.signal(SHELL + "/signal/terminate")().status, 200)
        self.assertGreater(together, 0)
        client.delete()

    # ---- pypsrp ----

    def test_pypsrp_capitalises_its_booleans(self):
        client = self.client(Pypsrp)
        client.shell = guid()
        with open(f"{DIALOGUES}/create/pypsrp.xml", encoding="utf-8") as file:
            self.assertIn('MustComply="True" Name="WINRS_NOPROFILE">False<', file.read())
        with open(f"{DIALOGUES}/receive/pypsrp.xml", encoding="utf-8") as file:
            self.assertIn('Name="WSMAN_CMDSHELL_OPTION_KEEPALIVE">True<', file.read())
        self.assertEqual(client.create().one("s:Body/rsp:Shell/rsp:ShellId").text, client.shell)
        client.run(line="cat")
        self.assertEqual(client.stdin("YQ==", ' End="False"')().status, 200)
        self.assertEqual(client.stdin("Yg==", ' End="True"')().status, 200)
        self.assertEqual(client.collect(), (b"ab", b"", 0))
        self.assertEqual(client.signal(SHELL + "/signal/Terminate")().status, 200)
        client.delete()

    def test_pypsrp_asks_again_on_a_new_connection(self):
        """After a read time-out: the same body, a new MessageID. The lost answer comes again."""
        client = self.client(Pypsrp)
        client.shell = guid()
        client.create()
        client.run(line="echo once; cat")
        client.begin("receive", conn="lost")
        wait_for(lambda: self.is_readable(client.conn("lost")), "the answer is there")
        client.conn("lost").reset()  # with the answer unread
        reply = client.call("receive", conn="new")
        self.assertEqual(base64.b64decode(reply.one(".//rsp:Stream").text), b"once\n")
        client.delete()

    @staticmethod
    def is_readable(conn):
        return bool(select.select([conn.socket], [], [], 0)[0])

    # ---- Windows ----

    def test_windows_headers_are_ignored_and_not_echoed(self):
        client = self.client(Windows)
        client.shell = guid()
        reply = client.create(f'<rsp:Shell xmlns:rsp="{SHELL}" ShellId="{client.shell}" Name="nightly">'
                              "<rsp:IdleTimeOut>PT3600.000S</rsp:IdleTimeOut><rsp:InputStreams>stdin</rsp:InputStreams>"
                              "<rsp:OutputStreams>stdout stderr</rsp:OutputStreams></rsp:Shell>")
        for word in ("OperationID", "SequenceId", "SessionId", "winrmd"):
            self.assertNotIn(word, reply.text)
        self.assertIn("<rsp:BufferMode>Block<", reply.text)  # it named its shell and its session: it can disconnect
        self.assertIn("<rsp:State>Connected<", reply.text)
        for name in ("IdleTimeOut", "MaxIdleTimeOut"):
            self.assertRegex(reply.text, rf"<rsp:{name}>PT\d+\.\d\d\dS<")
        self.assertIn("<rsp:IdleTimeOut>PT3600.000S<", reply.text)
        # the retransmission of an operation looks like this; without robust connections it is a request
        text, message_id = client.envelope("command", client.command_line("echo hi"))
        text = text.replace('<p:OperationID s:mustUnderstand="false"', '<p:OperationID s:mustUnderstand="true"')
        reply = client.post(text, message_id, "command", "main")()
        self.assertEqual(reply.status, 200, reply.text)
        client.command = reply.one(".//rsp:CommandId").text
        self.assertEqual(client.collect(), (b"hi\n", b"", 0))
        client.delete()

    def test_windows_compression_is_refused_not_ignored(self):
        client = self.client(Windows)
        client.shell = guid()
        text, message_id = client.envelope("create")
        text = text.replace("<w:OptionSet", f'<rsp:CompressionType s:mustUnderstand="true" xmlns:rsp="{SHELL}">xpress'
                            "</rsp:CompressionType><w:OptionSet", 1)
        reply = client.post(text, message_id, "create", "main")()
        self.assertEqual(reply.status, 500, reply.text)
        self.assertNotIn("ResourceCreated", reply.text)

    def test_windows_signals(self):
        client = self.client(Windows)
        client.shell = guid()
        client.create(f'<rsp:Shell xmlns:rsp="{SHELL}"/>')
        for code, status in (("ctrl_c", 130), ("CTRL_C", 130), ("ctrl_break", 131)):
            client.command = guid()
            client.run(line="echo on; exec sleep 1000")
            self.assertEqual(client.call("receive").root.findall(".//rsp:ExitCode", NS), [])
            self.assertEqual(client.signal(f"{SHELL}/signal/{code}", conn="signal")().status, 200)
            out, err, exit_code = client.collect()
            self.assertIn(exit_code, (status, 143), code)
            self.assertEqual(client.signal(SHELL + "/signal/Terminate")().status, 200)
        client.delete("")

    # ---- Ansible ----

    def test_ansible_send_to_what_has_ended_is_109_and_output_is_still_there(self):
        client = self.client(Pywinrm)
        client.create()
        client.run(line="echo early; exit 2")
        out = client.call("receive")
        self.assertIn("ExitCode>2<", out.text)
        self.assertEqual(client.stdin("eA==")().code, "109")
        self.assertEqual(client.collect(), (b"", b"", 2))
        client.delete()

    # ---- spelling ----

    def test_ids_without_case_and_with_prefix(self):
        client = self.client(Pywinrm)
        client.create()
        given = client.shell
        client.run(line="cat")
        for spelling in (given.lower(), given.upper(), "uuid:" + given, f"  {given}\r\n "):
            client.shell = spelling
            body = client.receive_body(" stdout\tstderr ").replace(client.command, client.command.lower())
            reply = client.begin("receive", body)
            self.assertEqual(client.stdin("eA==", conn="send")().status, 200, spelling)
            self.assertEqual(reply().status, 200, spelling)
        client.delete()

    def test_identify_with_query(self):
        conn = Conn(self.service, USER)
        self.addCleanup(conn.close)
        conn.socket.sendall(conn.head(len(IDENTIFY), path="/WSMan?PSVersion=7.4.1") + IDENTIFY.encode())
        self.assertRegex(conn.answer().text, r"ProductVersion>OS: \d+\.\d+\.\d+ SP: 0\.0 Stack: 3\.0<")


if __name__ == "__main__":
    unittest.main(verbosity=2)
