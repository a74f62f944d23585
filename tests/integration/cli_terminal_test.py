#!/usr/bin/python3
"""winrmc on a terminal: the prompt hides what is typed, Ctrl-C restores the terminal, typed
lines and Ctrl-D reach the command.

Usage: cli_terminal_test.py BIN-FOLDER
"""
import os
import pty
import select
import sys
import termios
import time
import unittest

from service import Service

BIN = sys.argv.pop(1)
PASSWORD = "hidden-word"


class Terminal:
    """winrmc as the leader of a session of its own, whose terminal we hold."""

    def __init__(self, *words):
        self.seen = ""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            environment = {name: value for name, value in os.environ.items() if name != "WINRMC_PASSWORD"}
            os.execve(os.path.join(BIN, "winrmc"), ["winrmc", *words], environment)

    def await_text(self, text, seconds=20):
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            try:
                piece = os.read(self.master, 4096) if ready else b""
            except OSError:  # Linux: the other end has closed
                piece = b""
            if not piece:
                raise AssertionError(f"expected {text!r}, got {self.seen!r}")
            self.seen += piece.decode()

    def type(self, text):
        os.write(self.master, text.encode())

    def echoes(self):
        return bool(termios.tcgetattr(self.master)[3] & termios.ECHO)

    def finish(self):
        """The exit code, and all that was seen."""
        try:
            while piece := os.read(self.master, 4096):
                self.seen += piece.decode()
        except OSError:
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.master)
        return os.waitstatus_to_exitcode(status), self.seen


class TerminalTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = cls.enterClassContext(Service(BIN, users={"alice": PASSWORD}))
        cls.host = f"alice@{cls.service.host}:{cls.service.port}"

    def start(self, *words):
        terminal = Terminal("run", *words)
        terminal.await_text("password: ")
        self.assertFalse(terminal.echoes())
        return terminal

    def test_prompt_names_the_host_and_hides_the_password(self):
        terminal = self.start("-n", self.host, "--", "exit 6")
        terminal.type(PASSWORD + "\n")
        status, seen = terminal.finish()
        self.assertEqual(status, 6)
        self.assertIn(f"{self.host}'s password: ", seen)
        self.assertNotIn(PASSWORD, seen)

    def test_wrong_password_is_77(self):
        terminal = self.start("-n", self.host, "--", "true")
        terminal.type("something else\n")
        status, seen = terminal.finish()
        self.assertEqual(status, 77)
        self.assertNotIn("something else", seen)

    def test_ctrl_c_at_the_prompt_restores_the_terminal(self):
        terminal = self.start("-n", self.host, "--", "true")
        terminal.type("\x03")
        # The last thing winrmc writes comes after the terminal is restored.
        terminal.await_text("\n")
        self.assertTrue(terminal.echoes())
        self.assertEqual(terminal.finish()[0], 130)

    def test_typed_lines_and_ctrl_d_reach_the_command(self):
        terminal = self.start(self.host, "--", "while read x; do echo got-$x; done; echo end; exit 8")
        terminal.type(PASSWORD + "\n")
        terminal.await_text("\n")
        terminal.type("one\n")
        terminal.await_text("got-one")
        terminal.type("two\n")
        terminal.await_text("got-two")
        terminal.type("\x04")
        terminal.await_text("end")
        self.assertEqual(terminal.finish()[0], 8)

    def test_ctrl_c_on_the_terminal_reaches_the_command(self):
        terminal = self.start(self.host, "--", "trap 'echo caught; exit 3' INT; echo ready; while :; do sleep 0.1; done")
        terminal.type(PASSWORD + "\n")
        terminal.await_text("ready")
        terminal.type("\x03")
        terminal.await_text("caught")
        self.assertEqual(terminal.finish()[0], 3)


if __name__ == "__main__":
    unittest.main()
