#!/usr/bin/python3
"""A host that takes the connection and never answers: Ctrl-C and --timeout still end winrmc.

Usage: cli_silent_host_test.py BIN-FOLDER
"""
import os
import signal
import socket
import subprocess
import sys
import unittest

BIN = sys.argv.pop(1)


class SilentHostTest(unittest.TestCase):
    def setUp(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.listener.close)
        self.listener.settimeout(20)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]

    def start(self, *words):
        environment = dict(os.environ, WINRMC_PASSWORD="x")
        process = subprocess.Popen([os.path.join(BIN, "winrmc"), *words], env=environment, text=True,
                                   stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        return process

    def accept(self):
        """Returns when the request has begun to arrive, so winrmc waits for the answer."""
        connection, _ = self.listener.accept()
        self.addCleanup(connection.close)
        connection.settimeout(20)
        self.assertTrue(connection.recv(1))

    def assert_ends(self, process, status):
        _, text = process.communicate(timeout=20)
        self.assertEqual(process.returncode, status, text)
        return text

    def test_timeout_names_the_host(self):
        for verb in (("run", "--timeout", "0.2", f"a@{self.address}", "--", "true"),
                     ("id", "--timeout", "0.2", f"a@{self.address}")):
            self.assertIn(self.address, self.assert_ends(self.start(*verb), 124))

    def test_signals_end_it(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            for verb in (("run", f"a@{self.address}", "--", "true"), ("id", f"a@{self.address}")):
                process = self.start(*verb)
                self.accept()
                process.send_signal(number)
                self.assert_ends(process, 128 + number)

    def test_a_connection_that_ends_is_69(self):
        process = self.start("run", f"a@{self.address}", "--", "true")
        connection, _ = self.listener.accept()
        connection.recv(1)
        connection.close()
        self.assertIn(self.address, self.assert_ends(process, 69))

    def test_an_answer_that_is_no_http_is_70(self):
        process = self.start("run", f"a@{self.address}", "--", "true")
        connection, _ = self.listener.accept()
        self.addCleanup(connection.close)
        connection.recv(65536)
        connection.sendall(b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        self.assertIn(self.address, self.assert_ends(process, 70))


if __name__ == "__main__":
    unittest.main()
