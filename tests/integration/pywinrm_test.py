#!/usr/bin/python3
"""Debian's python3-winrm, a client that nobody here wrote, against the service.

Usage: pywinrm_test.py BIN-FOLDER
"""
import hashlib
import os
import sys
import unittest

import winrm
from winrm.exceptions import InvalidCredentialsError
from winrm.protocol import Protocol

from service import Service, wait_for

BIN = sys.argv.pop(1)
USER, PASSWORD = "alice", "wonderland ünïcode"
# requests writes a str in Latin-1, where RFC 7617 and the service read UTF-8; bytes pass as they are.
SENT = PASSWORD.encode()


class PywinrmTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service(BIN, {USER: PASSWORD, "bob": "other"}).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.service.__exit__(None, None, None)

    def session(self, password=SENT):
        return winrm.Session(self.service.url, auth=(USER, password), transport="basic")

    def protocol(self, **kwargs):
        return Protocol(endpoint=self.service.url, transport="basic", username=USER,
                        password=SENT, **kwargs)

    def test_run_cmd_gives_both_streams_and_the_exit_code(self):
        answer = self.session().run_cmd("echo out; echo err >&2; exit 7")
        self.assertEqual((answer.std_out, answer.std_err, answer.status_code),
                         (b"out\n", b"err\n", 7))

    def test_arguments_are_joined_with_blanks(self):
        answer = self.session().run_cmd("printf", ["'%s|%s'", "a", "'b c'"])
        self.assertEqual(answer.std_out, b"a|b c")

    def test_exit_codes_pass_through(self):
        for code in (0, 1, 127, 255):
            self.assertEqual(self.session().run_cmd(f"exit {code}").status_code, code)

    def test_death_by_signal_is_128_plus_its_number(self):
        self.assertEqual(self.session().run_cmd("kill -9 $$").status_code, 137)

    def test_unicode_passes_both_ways(self):
        text = "grüße, 世界, 🐧"
        answer = self.session().run_cmd(f"printf %s '{text}'; printf %s '{text}' >&2")
        self.assertEqual(answer.std_out.decode(), text)
        self.assertEqual(answer.std_err.decode(), text)

    def test_bytes_that_are_no_text_pass_unchanged(self):
        answer = self.session().run_cmd(r"printf '\000\001\376\377\015\012'")
        self.assertEqual(answer.std_out, b"\x00\x01\xfe\xff\r\n")

    def test_a_command_longer_than_the_operation_timeout(self):
        protocol = self.protocol(operation_timeout_sec=1, read_timeout_sec=3)
        shell = protocol.open_shell()
        command = protocol.run_command(shell, "sleep 2.5; echo late; exit 4")
        self.assertEqual(protocol.get_command_output(shell, command), (b"late\n", b"", 4))
        protocol.cleanup_command(shell, command)
        protocol.close_shell(shell)

    def test_16_mib_by_hash(self):
        answer = self.session().run_cmd(
            "head -c 16777216 /dev/urandom >$HOME/.pywinrm-test; sha256sum <$HOME/.pywinrm-test >&2; "
            "cat $HOME/.pywinrm-test; rm $HOME/.pywinrm-test")
        self.assertEqual(len(answer.std_out), 16777216)
        self.assertEqual(hashlib.sha256(answer.std_out).hexdigest(),
                         answer.std_err.decode().split()[0])

    def test_stdin_arrives_and_ends(self):
        protocol = self.protocol()
        shell = protocol.open_shell()
        command = protocol.run_command(shell, "sha256sum")
        data = os.urandom(300000)
        for start in range(0, len(data), 100000):
            self.send(protocol, shell, command, data[start:start + 100000], start + 100000 >= len(data))
        out, err, code = protocol.get_command_output(shell, command)
        self.assertEqual((out.decode().split()[0], err, code),
                         (hashlib.sha256(data).hexdigest(), b"", 0))
        protocol.cleanup_command(shell, command)
        protocol.close_shell(shell)

    @staticmethod
    def send(protocol, shell, command, data, end):
        """pywinrm 0.3 has no call for input; this builds the message with its own parts."""
        import base64
        import xmltodict
        message = {"env:Envelope": protocol._get_soap_header(
            resource_uri="http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd",
            action="http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Send", shell_id=shell)}
        message["env:Envelope"]["env:Body"] = {"rsp:Send": {"rsp:Stream": {
            "@Name": "stdin", "@CommandId": command, "@End": str(end),
            "#text": base64.b64encode(data).decode()}}}
        protocol.send_message(xmltodict.unparse(message))

    def test_several_commands_share_a_shell_with_its_folder_and_environment(self):
        protocol = self.protocol()
        shell = protocol.open_shell(working_directory="/usr", env_vars={"GREETING": "hello there"})
        for _ in range(3):
            command = protocol.run_command(shell, "pwd; echo $GREETING")
            self.assertEqual(protocol.get_command_output(shell, command),
                             (b"/usr\nhello there\n", b"", 0))
            protocol.cleanup_command(shell, command)
        protocol.close_shell(shell)

    def test_close_shell_ends_what_still_runs(self):
        protocol = self.protocol()
        shell = protocol.open_shell()
        command = protocol.run_command(shell, "echo $$; exec sleep 1000")
        pid = int(protocol._raw_get_command_output(shell, command)[0])
        protocol.close_shell(shell)
        wait_for(lambda: not os.path.exists(f"/proc/{pid}") or
                 open(f"/proc/{pid}/stat").read().split()[2] == "Z", "the command has ended")

    def test_a_wrong_password_is_refused(self):
        with self.assertRaises(InvalidCredentialsError):
            self.session(b"wrong").run_cmd("id")

    def test_the_shell_of_another_user_does_not_exist(self):
        protocol = self.protocol()
        shell = protocol.open_shell()
        other = Protocol(endpoint=self.service.url, transport="basic", username="bob",
                         password="other")
        with self.assertRaisesRegex(Exception, "2150858843|shell"):
            other.run_command(shell, "id")
        command = protocol.run_command(shell, "echo still mine")
        self.assertEqual(protocol.get_command_output(shell, command)[0], b"still mine\n")
        protocol.close_shell(shell)


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")  # its sessions never close their sockets
