"""The programs in examples/ against a real service: what they print, and how they end.

Usage: examples_test.py BIN EXAMPLES SHORT-RETRY"""
import os
import signal
import subprocess
import sys
import unittest

from service import Service, wait_for

BIN, EXAMPLES, SHORT_RETRY = sys.argv[1:4]
PASSWORD = "wonderland ünïcode"


class Examples(unittest.TestCase):
    environment = {}

    @classmethod
    def setUpClass(cls):
        cls.service = Service(BIN, settings={"MaxShellsPerUser": "100"})
        cls.service.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.service.__exit__()

    def start(self, name, *arguments, password=PASSWORD, address=None, **options):
        address = address or f"http://127.0.0.1:{self.service.port}"
        environment = {**os.environ, "WSMAN_PASSWORD": password, **self.environment}
        return subprocess.Popen([os.path.join(EXAMPLES, name), address, "alice", *arguments],
                                env={name: value for name, value in environment.items() if value is not None},
                                stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)

    def run_example(self, name, *arguments, stdin="", **options):
        """(exit code, stdout, stderr)"""
        with self.start(name, *arguments, **options) as process:
            try:
                out, err = process.communicate(stdin, timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            return process.returncode, out, err

    def hosts(self):
        """How many shells the service has."""
        return len(self.service.children("winrmd-shell"))

    def tearDown(self):
        wait_for(lambda: self.hosts() == 0, "no shell is left behind")

    def test_run_command_keeps_the_streams_apart_and_ends_with_the_exit_code(self):
        self.assertEqual(self.run_example("run_command", "echo oút; echo err >&2; exit 7"),
                         (7, "oút\n", "err\n"))

    def test_run_command_with_a_megabyte_of_output(self):
        status, out, err = self.run_example("run_command", "seq 150000")
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(out, "".join(f"{number}\n" for number in range(1, 150001)))

    def test_run_command_says_that_the_password_is_wrong(self):
        status, out, err = self.run_example("run_command", "true", password="guess")
        self.assertEqual((status, out), (2, ""))
        self.assertIn("create a shell: error 0x00000005: ", err)

    def test_run_command_says_that_nobody_answers(self):
        status, out, err = self.run_example("run_command", "true", address="http://127.0.0.1:1")
        self.assertEqual((status, out), (2, ""))
        self.assertIn("create a shell: error 0x80338112: ", err)

    def test_run_command_says_that_the_address_is_none(self):
        status, out, err = self.run_example("run_command", "true", address="nonsense://x")
        self.assertEqual((status, out), (2, ""))
        self.assertIn("nonsense://x: error 0x", err)

    def test_all_say_what_is_wrong_with_the_address_and_where_the_password_belongs(self):
        nobody = "6F1C3C0E-5C5B-4A0B-8B5F-0C9F5D1E7A11"
        for name, *arguments in (("run_command", "true"), ("interactive", "true"), ("detach", "true"),
                                 ("attach", nobody, nobody), ("hundred_shells",)):
            status, out, err = self.run_example(name, *arguments, address="ftp://x")
            self.assertEqual((status, out), (2, ""))
            self.assertRegex(err, r"^ftp://x: error 0x803380DA: [A-Z].*\.\n$")
            status, out, err = self.run_example(name, *arguments, password=None)
            self.assertEqual((status, out), (2, ""))
            self.assertIn("WSMAN_PASSWORD", err)

    def test_wrong_arguments_give_one_error(self):
        self.assertEqual(self.run_example("run_command", "")[2].count("error 0x"), 1)
        self.assertEqual(self.run_example("attach", "nonsense", "nonsense")[2].count("error 0x"), 1)

    def run_into_full_disk(self, name, *arguments):
        """(exit code, stderr)"""
        with open("/dev/full", "w") as full:
            result = subprocess.run(
                [os.path.join(EXAMPLES, name), f"http://127.0.0.1:{self.service.port}", "alice", *arguments],
                env={**os.environ, "WSMAN_PASSWORD": PASSWORD}, stdin=subprocess.DEVNULL, stdout=full,
                stderr=subprocess.PIPE, text=True, timeout=60)
        return result.returncode, result.stderr

    def test_output_that_cannot_be_written_ends_the_command(self):
        for name in ("run_command", "interactive"):
            self.assertEqual(self.run_into_full_disk(name, "while echo again; do :; done"),
                             (2, "cannot write the output\n"))
        self.assertEqual(self.run_into_full_disk("run_command", "echo the last words"),
                         (2, "cannot write the output\n"))
        self.assertEqual(self.run_into_full_disk("hundred_shells"), (1, "cannot write the output\n"))

    def test_ids_that_cannot_be_written_are_not_lost(self):
        status, err = self.run_into_full_disk("detach", "echo done; exit 5")
        words = err.replace(",", "").split()
        self.assertEqual(status, 2)
        self.assertEqual(self.run_example("attach", words[5], words[7]), (5, "done\n", ""))

    def test_usage(self):
        for name in ("run_command", "interactive", "detach", "attach", "hundred_shells"):
            result = subprocess.run([os.path.join(EXAMPLES, name)], capture_output=True, text=True)
            self.assertEqual((result.returncode, result.stdout), (2, ""))
            self.assertTrue(result.stderr.startswith(f"usage: {name} ADDRESS USER"), result.stderr)

    def test_interactive_sends_lines_and_the_end_of_input(self):
        self.assertEqual(self.run_example("interactive", "sort -r; exit 3", stdin="a\nc\nb"),
                         (3, "c\nb\na\n", ""))

    def test_interactive_sends_every_byte(self):
        self.assertEqual(self.run_example("interactive", "od -An -c", stdin="a\0b\nc")[1].split(),
                         ["a", "\\0", "b", "\\n", "c"])

    def test_interactive_answers_line_by_line(self):
        with self.start("interactive", "while read -r line; do echo got $line; done; echo end") as process:
            for word in ("one", "two"):
                process.stdin.write(word + "\n")
                process.stdin.flush()
                self.assertEqual(process.stdout.readline(), f"got {word}\n")
            process.stdin.close()
            self.assertEqual(process.stdout.read(), "end\n")
            self.assertEqual(process.wait(60), 0)

    def test_interactive_ends_with_its_command_while_input_is_open(self):
        with self.start("interactive", "read -r line; exit 4") as process:
            process.stdin.write("word\n")
            process.stdin.flush()
            self.assertEqual(process.wait(60), 4)

    def test_interactive_sends_ctrl_c_as_a_signal(self):
        with self.start("interactive",
                        'trap "echo caught; exit 3" INT; echo ready; while :; do sleep 0.1; done') as process:
            self.assertEqual(process.stdout.readline(), "ready\n")
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.stdout.read(), "caught\n")
            self.assertEqual(process.wait(60), 3)

    def test_interactive_can_interrupt_a_command_that_does_not_read(self):
        with self.start("interactive", "echo ready; exec sleep 100") as process:
            self.assertEqual(process.stdout.readline(), "ready\n")
            process.stdin.write("nobody reads this\n" * 20)
            process.stdin.flush()
            process.send_signal(signal.SIGINT)
            self.assertNotEqual(process.wait(60), 0)

    def test_attach_goes_on_where_detach_let_go(self):
        flag = os.path.join(self.service.folder, "go")
        command = f"echo before; while [ ! -e {flag} ]; do sleep 0.05; done; echo after; echo err >&2; exit 9"
        status, out, err = self.run_example("detach", command)
        self.assertEqual((status, err), (0, ""))
        shell, command_id = out.split()
        self.assertEqual(self.hosts(), 1)
        with self.start("attach", shell, command_id) as process:
            self.assertEqual(process.stdout.readline(), "before\n")
            with open(flag, "w"):
                pass
            self.assertEqual(process.stdout.read(), "after\n")
            self.assertEqual(process.stderr.read(), "err\n")
            self.assertEqual(process.wait(60), 9)

    def test_attach_after_the_command_has_ended(self):
        status, out, _ = self.run_example("detach", "echo done; exit 5")
        self.assertEqual(status, 0)
        self.assertEqual(self.run_example("attach", *out.split()), (5, "done\n", ""))

    def test_attach_says_that_there_is_no_such_shell(self):
        nobody = "6F1C3C0E-5C5B-4A0B-8B5F-0C9F5D1E7A11"
        status, out, err = self.run_example("attach", nobody, nobody)
        self.assertEqual((status, out), (2, ""))
        self.assertIn("connect to the shell: error 0x8033", err)

    def test_a_hundred_shells_each_get_their_own_output(self):
        status, out, err = self.run_example("hundred_shells")
        lines = [f"shell {number}: hello from {number}" for number in range(100)]
        self.assertEqual(out.splitlines(), [*lines, "100 of 100 shells went well"])
        self.assertEqual((status, err), (0, ""))

    def test_a_hundred_shells_tell_of_each_that_failed(self):
        status, out, _ = self.run_example("hundred_shells", password="guess")
        self.assertEqual(status, 1)
        self.assertEqual(out.count("error 0x00000005"), 100)
        self.assertTrue(out.endswith("\n0 of 100 shells went well\n"))


class LostServer(unittest.TestCase):
    """The service goes away for good while an example waits for output."""
    environment = {"LD_PRELOAD": SHORT_RETRY, "TEST_RETRY_MS": "300",
                   "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
    start = Examples.start

    def test_no_example_waits_for_ever(self):
        for name in ("run_command", "interactive"):
            with Service(BIN) as self.service:
                with self.start(name, "echo ready; sleep 1000") as process:
                    self.assertEqual(process.stdout.readline(), "ready\n")
                    self.service.process.kill()
                    self.assertEqual(process.wait(60), 2)
                    self.assertEqual(process.stderr.read(), "the connection is lost; trying again\n"
                                                            "the server is lost; the shell was left there\n")

    def test_a_hundred_shells_end_too(self):
        with Service(BIN, settings={"MaxShellsPerUser": "100"}) as self.service:
            with self.start("hundred_shells") as process:
                wait_for(lambda: len(self.service.children("winrmd-shell")) > 0, "a shell is there")
                self.service.process.kill()
                self.assertIn(process.wait(60), (0, 1))
                self.assertIn("shells went well\n", process.stdout.read())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
