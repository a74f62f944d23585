#!/usr/bin/python3
"""winrmc and a shell with several commands, which another client made and let go of.

Usage: cli_several_commands_test.py BIN-FOLDER
"""
import json
import os
import subprocess
import sys
import unittest

import rawsoap
from service import Service, wait_for

BIN = sys.argv.pop(1)
DISCONNECT = (f"{rawsoap.SHELL}/Disconnect", "<rsp:Disconnect/>")


class SeveralCommandsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = cls.enterClassContext(Service(BIN, users={"alice": "secret"}))
        cls.host = f"alice@{cls.service.host}:{cls.service.port}"
        cls.environment = dict(os.environ, WINRMC_PASSWORD="secret")

    def winrmc(self, *words):
        return subprocess.run([os.path.join(BIN, "winrmc"), *words], env=self.environment, capture_output=True,
                              text=True, timeout=60, stdin=subprocess.DEVNULL)

    def listed(self, shell):
        shells = json.loads(self.winrmc("ps", "--json", self.host).stdout)
        return {command["commandId"]: command for item in shells if item["shellId"] == shell
                for command in item["commands"]}

    def left_shell(self, *lines):
        """A shell with those commands that nobody holds: its id and theirs."""
        session = "uuid:" + rawsoap.guid()
        with rawsoap.Conn(self.service) as conn:
            shell = rawsoap.open_shell(conn, shell_id=rawsoap.guid(), session=session)
            ids = [rawsoap.start(conn, shell, line, session=session) for line in lines]
            answer = conn.call(rawsoap.envelope(*DISCONNECT, shell, session=session))
            self.assertEqual(answer.status, 200, answer.text)
        return shell, ids

    def test_an_id_alone_lists_the_commands(self):
        shell, ids = self.left_shell("echo one; exit 1", "echo two; exit 2")
        for verb in ("attach", "wait"):
            result = self.winrmc(verb, self.host, shell)
            self.assertEqual(result.returncode, 64, result.stderr)
            for command in ids:
                self.assertIn(f"{shell}/{command} ", result.stderr)

    def test_each_gives_its_exit_code_and_the_last_ends_the_shell(self):
        shell, ids = self.left_shell("echo one; exit 1", "echo two; exit 2")
        result = self.winrmc("wait", self.host, f"{shell[:13]}/{ids[1][:13]}")
        self.assertEqual((result.returncode, result.stdout), (2, "two\n"), result.stderr)
        self.assertEqual(list(self.listed(shell)), [ids[0]])
        result = self.winrmc("attach", self.host, shell)
        self.assertEqual((result.returncode, result.stdout), (1, "one\n"), result.stderr)
        self.assertEqual(self.listed(shell), {})

    def test_kill_of_one_leaves_the_other(self):
        shell, ids = self.left_shell("exec sleep 1000", "cat; exit 7")
        result = self.winrmc("kill", self.host, f"{shell}/{ids[0]}")
        self.assertEqual(result.returncode, 0, result.stderr)
        wait_for(lambda: list(self.listed(shell)) == [ids[1]], "the killed command is gone")
        result = self.winrmc("attach", self.host, shell)
        self.assertEqual(result.returncode, 7, result.stderr)

    def test_kill_of_one_in_a_held_shell_needs_take(self):
        session = "uuid:" + rawsoap.guid()
        with rawsoap.Conn(self.service) as conn:
            shell = rawsoap.open_shell(conn, shell_id=rawsoap.guid(), session=session)
            command = rawsoap.start(conn, shell, "exec sleep 1000", session=session)
            result = self.winrmc("kill", self.host, f"{shell}/{command}")
            self.assertEqual(result.returncode, 70, result.stderr)
            self.assertIn(f"held by session {session.lower()}", result.stderr.lower())
            result = self.winrmc("kill", "--take", self.host, f"{shell}/{command}")
            self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.winrmc("kill", self.host, shell).returncode, 0)


if __name__ == "__main__":
    unittest.main()
