#!/usr/bin/python3
"""HTTP as winrmd-net takes it: who is refused, limits of size, time and number, one request at a time.

Usage: net_http_test.py BIN-FOLDER
"""
import base64
import os
import resource
import signal
import sys
import unittest

from rawsoap import (Conn, IDENTIFY, collect, command, create, delete, envelope, guid, open_shell, receive,
                     start)
from service import Service, wait_for

BIN = sys.argv.pop(1)
USERS = {"alice": "wonderland", "bob": "builder"}


class Unauthenticated(unittest.TestCase):
    """Comes first: nothing at all is answered to a stranger."""

    def setUp(self):
        self.service = Service(BIN, USERS).__enter__()
        self.addCleanup(self.service.__exit__)

    def test_a_everything_unauthenticated_is_refused(self):
        shell = guid()
        for body in (IDENTIFY, create(), create(shell_id=shell), command(shell, "id"), receive(shell, guid()),
                     delete(shell), "", "<", "x" * 100000):
            for more in ("", "WSMANIDENTIFY: unauthenticated\r\n", "Authorization: Negotiate AAAA\r\n"):
                with Conn(self.service, user=None) as conn:
                    answer = conn.call(body, more)
                    self.assertEqual((answer.status, answer.body), (401, b""))
                    self.assertIn('WWW-Authenticate: Basic realm="WSMAN"', answer.head)
                    self.assertEqual(conn.call(body).status, 401)  # kept open
        self.assertNotIn("created", self.service.log())

    def test_wrong_credentials_are_refused_and_logged(self):
        for user, password in (("alice", "nope"), ("alice", ""), ("mallory", "x"), ("Alice", "wonderland")):
            with Conn(self.service, user, password) as conn:
                answer = conn.call(IDENTIFY)
                self.assertEqual((answer.status, answer.body), (401, b""))
                wait_for(lambda: f'denied user "{user}" from 127.0.0.1' in self.service.log(), "log line")
        self.assertNotIn("nope", self.service.log())

    def test_malformed_credentials_are_refused(self):
        for value in ("Basic", "Basic !!!", "Basic " + base64.b64encode(b"alice").decode(),
                      "Basic " + base64.b64encode(b":x").decode(), "Basic " + "QUJD" * 3000):
            with Conn(self.service, user=None) as conn:
                self.assertEqual(conn.call(IDENTIFY, f"Authorization: {value}\r\n").status, 401)

    def test_a_success_does_not_open_the_connection_for_others(self):
        with Conn(self.service) as conn:
            self.assertEqual(conn.call(IDENTIFY).status, 200)
            conn.authorization = ""
            self.assertEqual(conn.call(IDENTIFY).status, 401)

    def test_many_at_once_share_one_check(self):
        conns = [Conn(self.service) for _ in range(20)]
        for conn in conns:
            conn.send(IDENTIFY)
        self.assertEqual([conn.answer().status for conn in conns], [200] * 20)
        for conn in conns:
            conn.close()

    def test_removed_user_is_refused_at_once(self):
        with Conn(self.service) as conn:
            self.assertEqual(conn.call(IDENTIFY).status, 200)
            with open(self.service.settings["UsersFile"]) as file:
                lines = [line for line in file if not line.startswith("alice:")]
            with open(self.service.settings["UsersFile"], "w") as file:
                file.writelines(lines)
            self.assertEqual(conn.call(IDENTIFY).status, 401)

    def test_body_of_a_stranger_is_bounded(self):
        with Conn(self.service, user=None) as conn:
            conn.socket.sendall(conn.head(1 << 30))
            self.assertEqual(conn.answer().status, 401)
            self.assertTrue(conn.is_ended())


class Offered(unittest.TestCase):
    def check(self, settings, setting):
        service = Service(BIN, USERS, settings).__enter__()
        self.addCleanup(service.__exit__)
        for user in ("alice", None):
            with Conn(service, user) as conn:
                answer = conn.call(IDENTIFY)
                self.assertEqual(answer.status, 401)
                self.assertNotIn("WWW-Authenticate", answer.head)
        wait_for(lambda: f"setting {setting} = false" in service.log(), "log line that names the setting")

    def test_basic_needs_allow_unencrypted(self):
        self.check({"AllowUnencrypted": "false"}, "AllowUnencrypted")

    def test_basic_must_be_on(self):
        self.check({"Basic": "false"}, "Basic")

    def test_remote_shells_can_be_forbidden(self):
        service = Service(BIN, USERS, {"AllowRemoteShellAccess": "false"}).__enter__()
        self.addCleanup(service.__exit__)
        with Conn(service) as conn:
            self.assertEqual(conn.call(create()).fault, 2150859180)
        self.assertEqual(service.log().count(
            'refused user "alice" from 127.0.0.1: setting AllowRemoteShellAccess = false'), 1)


class Descriptors(unittest.TestCase):
    def test_service_takes_what_it_may_and_commands_get_what_was_given(self):
        given = resource.getrlimit(resource.RLIMIT_NOFILE)
        soft = 64
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, given[1]))
        try:
            service = Service(BIN, USERS).__enter__()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, given)
        self.addCleanup(service.__exit__)
        conns = [Conn(service) for _ in range(soft * 2)]
        for conn in conns:
            self.addCleanup(conn.close)
        self.assertEqual({conn.call(IDENTIFY).status for conn in conns}, {200})
        shell = open_shell(conns[0])
        command_id = start(conns[0], shell, "ulimit -Sn; ulimit -Hn")
        out = collect(conns[0], shell, command_id)[0].decode().split()
        hard = "unlimited" if given[1] == resource.RLIM_INFINITY else str(given[1])
        self.assertEqual(out, [str(soft), hard])
        conns[0].call(delete(shell))


class Requests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service(BIN, USERS, {"MaxEnvelopeSizekb": 64, "MaxPacketRetrievalTimeSeconds": 1}).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.service.__exit__()

    def setUp(self):
        self.conn = Conn(self.service)
        self.addCleanup(self.conn.close)

    def raw(self, text):
        self.conn.socket.sendall(text if isinstance(text, bytes) else text.encode())
        return self.conn.answer()

    def test_identify(self):
        answer = self.conn.call(IDENTIFY)
        self.assertEqual(answer.status, 200)
        for part in ("<wsmid:ProductVendor>", "Stack: 3.0<", "secprofile/http/basic<"):
            self.assertIn(part, answer.text)

    def test_empty_post_is_welcome(self):
        answer = self.conn.call("")
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertEqual(self.conn.call(IDENTIFY).status, 200)

    def test_get_is_no_method(self):
        answer = self.raw(self.conn.head(0, method="GET"))
        self.assertEqual((answer.status, answer.body), (405, b""))

    def test_wrong_path(self):
        self.assertEqual(self.raw(self.conn.head(3, path="/other") + b"abc").status, 404)
        self.assertEqual(self.conn.call("").status, 200)  # kept open

    def test_path_without_case_and_query(self):
        self.assertEqual(self.raw(self.conn.head(0, path="/WsMan?PSVersion=7.4.1")).status, 200)

    def test_wrong_media(self):
        for media in ("text/xml", ""):
            head = self.conn.head(3).replace(b"Content-Type: application/soap+xml;charset=UTF-8",
                                             f"Content-Type: {media}".encode())
            answer = self.raw(head + b"abc")
            self.assertEqual((answer.status, answer.body), (415, b""))

    def test_unknown_charset(self):
        head = self.conn.head(3).replace(b"UTF-8", b"ISO-8859-1")
        self.assertEqual(self.raw(head + b"abc").fault, 2150858796)

    def test_utf16_is_answered_in_utf16(self):
        body = b"\xff\xfe" + IDENTIFY.encode("utf-16-le")
        head = self.conn.head(len(body)).replace(b"UTF-8", b"UTF-16")
        answer = self.raw(head + body)
        self.assertEqual(answer.status, 200)
        self.assertIn("charset=UTF-16", answer.head)
        self.assertTrue(answer.body.startswith(b"\xff\xfe"))
        self.assertIn("ProductVendor", answer.text)

    def test_too_large_is_413(self):
        self.assertEqual(self.conn.call("x" * 65536).fault, 2150858819)  # read, and no XML
        answer = self.conn.call("x" * 65537)
        self.assertEqual((answer.status, answer.body), (413, b""))
        self.assertTrue(self.conn.is_ended())
        self.assertIn("a request of 65537 bytes, setting MaxEnvelopeSizekb = 64\n", self.service.log())

    def test_expect_continue(self):
        self.conn.socket.sendall(self.conn.head(len(IDENTIFY), "Expect: 100-continue\r\n"))
        while b"\r\n\r\n" not in self.conn.rest:
            self.conn.fill()
        self.assertTrue(self.conn.rest.startswith(b"HTTP/1.1 100 "))
        self.assertEqual(self.raw(IDENTIFY).status, 200)

    def test_expect_continue_too_large_is_told_before_the_body(self):
        self.conn.socket.sendall(self.conn.head(1 << 20, "Expect: 100-continue\r\n"))
        self.assertEqual(self.conn.answer().status, 413)

    def test_chunked_is_refused_with_code_50(self):
        head = self.conn.head(0, "Transfer-Encoding: chunked\r\n").replace(b"Content-Length: 0\r\n", b"")
        answer = self.raw(head + b"3\r\nabc\r\n0\r\n\r\n")
        self.assertEqual((answer.status, answer.fault), (500, 50))
        self.assertTrue(self.conn.is_ended())

    def test_large_head_is_431(self):
        self.conn.socket.sendall(b"POST /wsman HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 70000)
        self.assertEqual(self.conn.answer().status, 431)
        self.assertTrue(self.conn.is_ended())

    def test_malformed_head_is_400(self):
        for head in (b"POST /wsman HTTP/1.1\r\nHost : h\r\n\r\n", b"POST /wsman HTTP/1.1\nHost: h\n\n",
                     b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
                     b"POST /wsman HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"):
            with Conn(self.service) as conn:
                conn.socket.sendall(head)
                self.assertEqual(conn.answer().status, 400, head)
                self.assertTrue(conn.is_ended())

    def test_byte_by_byte(self):
        whole = self.conn.head(len(IDENTIFY)) + IDENTIFY.encode()
        for i in range(len(whole)):
            self.conn.socket.sendall(whole[i:i + 1])
        self.assertEqual(self.conn.answer().status, 200)

    def test_slow_head_is_500(self):
        self.conn.socket.sendall(b"POST /wsman HT")
        answer = self.conn.answer()
        self.assertEqual((answer.status, answer.body), (500, b""))
        self.assertTrue(self.conn.is_ended())
        self.assertIn("setting MaxPacketRetrievalTimeSeconds = 1\n", self.service.log())

    def test_slow_body_is_500(self):
        self.conn.socket.sendall(self.conn.head(100) + b"abc")
        answer = self.conn.answer()
        self.assertEqual((answer.status, answer.body), (500, b""))
        self.assertTrue(self.conn.is_ended())
        self.assertIn("setting MaxPacketRetrievalTimeSeconds = 1\n", self.service.log())

    def test_pipelined_with_the_body_is_400(self):
        one = self.conn.head(len(IDENTIFY)) + IDENTIFY.encode()
        self.conn.socket.sendall(one + one)
        self.assertEqual(self.conn.answer().status, 400)
        self.assertTrue(self.conn.is_ended())

    def test_pipelined_while_parked_is_400(self):
        shell = open_shell(self.conn)
        command_id = start(self.conn, shell, "sleep 1000")
        self.conn.send(receive(shell, command_id))
        self.conn.send(IDENTIFY)
        self.assertEqual(self.conn.answer().status, 400)
        self.assertTrue(self.conn.is_ended())
        with Conn(self.service) as conn:
            self.assertEqual(conn.call(delete(shell)).status, 200)

    def test_connection_close_is_obeyed(self):
        answer = self.conn.call(IDENTIFY, "Connection: close\r\n")
        self.assertEqual(answer.status, 200)
        self.assertTrue(self.conn.is_ended())

    def test_half_closed_request_is_answered(self):
        self.conn.send(IDENTIFY)
        self.conn.fin()
        self.assertEqual(self.conn.answer().status, 200)
        self.assertTrue(self.conn.is_ended())

    def test_not_well_formed(self):
        for body in ("x", "<a", "<!DOCTYPE a><a/>", "<a>" * 100):
            self.assertEqual(self.conn.call(body).fault, 2150858819, body)

    def test_faults_of_the_envelope(self):
        for body, code in (
                (envelope("http://x/unknown"), 2150858771),
                (create(uri="http://schemas.microsoft.com/powershell/Microsoft.PowerShell"), 2150858811),
                (create(max_size=8191), 2150858878),
                (create(extra='<x:y xmlns:x="urn:x" s:mustUnderstand="true"/>'), 2150858768),
                (create(timeout="20"), 2150858767),
                (create().replace("role/anonymous", "role/other"), 2150858870),
                (create().replace("http://www.w3.org/2003/05/soap-envelope",
                                  "http://schemas.xmlsoap.org/soap/envelope/"), 2150858765)):
            answer = self.conn.call(body)
            self.assertEqual((answer.status, answer.fault), (500, code), answer.text)
            self.assertNotIn("OperationTimeout", answer.text if code != 2150858767 else "")


class Limits(unittest.TestCase):
    def test_max_connections(self):
        service = Service(BIN, USERS, {"MaxConnections": 3}).__enter__()
        self.addCleanup(service.__exit__)
        conns = [Conn(service) for _ in range(3)]
        for conn in conns:
            self.assertEqual(conn.call(IDENTIFY).status, 200)
        with Conn(service) as surplus:
            answer = surplus.call(IDENTIFY)
            self.assertEqual((answer.status, answer.body), (503, b""))
            self.assertTrue(surplus.is_ended())
        self.assertIn("MaxConnections", service.log())
        conns.pop().close()

        def is_served():
            with Conn(service) as conn:
                return conn.call(IDENTIFY).status == 200
        wait_for(is_served, "room for another connection")
        for conn in conns:
            self.assertEqual(conn.call(IDENTIFY).status, 200)
            conn.close()

    def test_waiting_credentials_survive_a_restart_of_auth(self):
        service = Service(BIN, USERS).__enter__()
        self.addCleanup(service.__exit__)
        old = wait_for(lambda: service.children("winrmd-auth"), "winrmd-auth runs")[0]
        os.kill(old, signal.SIGSTOP)
        with Conn(service) as conn:
            conn.send(IDENTIFY)
            os.kill(old, signal.SIGKILL)
            self.assertEqual(conn.answer().status, 200)
            shell = open_shell(conn)
            self.assertEqual(conn.call(delete(shell)).status, 200)


if __name__ == "__main__":
    unittest.main()
