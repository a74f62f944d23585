"""winrmd-net and the monitor among shell hosts that lie: what runs as a user is not trusted.
Every host is hostile_host.py, which answers at random; the service goes on serving."""
import os
import random
import shutil
import sys
import tempfile
import unittest

import rawsoap as soap
from rawsoap import Closed, Conn, IDENTIFY
from service import Service, wait_for

BIN = sys.argv.pop(1)
ROUNDS = int(os.environ.get("WSM_ROUNDS", "30"))
SEED = int(os.environ.get("WSM_SEED", "1"))


class HostileHostTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="winrmd-bin-")
        self.addCleanup(shutil.rmtree, self.folder)
        for name in ("winrmd", "winrmd-net", "winrmd-auth"):
            shutil.copy(os.path.join(BIN, name), self.folder)
        host = shutil.copy(os.path.join(os.path.dirname(os.path.abspath(__file__)), "hostile_host.py"),
                           os.path.join(self.folder, "winrmd-shell"))
        os.chmod(host, 0o755)
        self.service = Service(self.folder).__enter__()
        self.addCleanup(self.service.__exit__)

    def tell(self, lie):
        with open(os.path.join(self.folder, "lie"), "w") as file:
            file.write(str(lie))

    def one_shell(self, rnd):
        """Creates, and asks for all there is; any answer and any end will do."""
        with Conn(self.service) as conn:
            conn.socket.settimeout(5)
            answer = conn.call(soap.create(timeout="PT1S"))
            shell = answer.find("ShellId")
            if answer.status != 200 or shell is None:
                return
            command = soap.guid()
            take, announced = [("WINRMD_TAKEOVER", "true", False)], [("WINRMD_CLIENT", "1", False)]
            for make in rnd.choices([lambda: soap.command(shell, "x", command_id=command, timeout="PT0.5S"),
                                     lambda: soap.receive(shell, command, timeout="PT0.5S"),
                                     lambda: soap.send(shell, soap.stream(b"y" * 200000, command), timeout="PT0.5S"),
                                     lambda: soap.signal(shell, command, timeout="PT0.5S"),
                                     lambda: soap.disconnect(shell, timeout="PT0.5S", options=take),
                                     lambda: soap.connect(shell, timeout="PT0.5S", options=take),
                                     lambda: soap.get(shell, timeout="PT0.5S", options=announced),
                                     lambda: soap.enumerate_(timeout="PT0.5S", options=announced),
                                     lambda: soap.enumerate_(soap.SHELL + "/Command", shell=shell, timeout="PT0.5S",
                                                             options=announced)],
                                    [2, 4, 1, 1, 1, 1, 1, 1, 1], k=10):
                conn.call(make())
            conn.call(soap.delete(shell, timeout="PT0.5S"))

    def test_done_for_a_fetch_ends_that_shell_alone(self):
        self.tell("done-for-fetch")
        net = wait_for(lambda: self.service.children("winrmd-net"), "winrmd-net runs")
        with Conn(self.service) as conn, Conn(self.service) as other:
            shell = soap.open_shell(conn)
            spared = soap.open_shell(other)
            command = soap.start(conn, shell, "x")
            self.assertEqual(conn.call(soap.receive(shell, command)).fault, 995)
            self.assertIsNotNone(soap.start(other, spared, "x"))
        self.assertEqual(self.service.children("winrmd-net"), net)

    def test_more_pieces_than_were_asked_for_are_no_answer(self):
        self.tell("many-pieces")
        with Conn(self.service) as conn:
            shell = soap.open_shell(conn)
            answer = conn.call(soap.receive(shell, soap.start(conn, shell, "x")))
            self.assertEqual(answer.fault, 1359, answer.text[:2000])
            self.assertIn("not asked for", answer.text)

    def test_smallest_answer_has_room_for_dropped_ends(self):
        self.tell("dropped-ends")
        with Conn(self.service) as conn:
            shell = soap.open_shell(conn)
            command = soap.start(conn, shell, "x")
            answer = conn.call(soap.receive(shell, command, max_size=8192))
            self.assertTrue(answer.done, answer.text)
            self.assertEqual(answer.exit_code, 7)

    def test_delete_that_only_broke_the_connection_is_no_success(self):
        self.tell("breaks-at-delete")
        with Conn(self.service) as conn:
            shell = soap.open_shell(conn)
            for _ in range(2):
                answer = conn.call(soap.delete(shell))
                self.assertEqual((answer.status, answer.fault), (500, 995))
                self.assertIn("still runs", answer.text)
                self.assertEqual(conn.call(soap.get(shell)).find("ShellId"), shell)

    def test_delete_that_killed_the_host_is_one(self):
        self.tell("dies-at-delete")
        with Conn(self.service) as conn:
            shell = soap.open_shell(conn)
            self.assertEqual(conn.call(soap.delete(shell)).status, 200)
            self.assertEqual(conn.call(soap.delete(shell)).fault, soap.UNKNOWN)

    def test_report_that_nobody_asked_for_is_no_report(self):
        self.tell("other-report")
        with Conn(self.service) as conn, Conn(self.service) as other:
            shell = soap.open_shell(conn)
            for make in (lambda: soap.get(shell, timeout="PT0.5S"), lambda: soap.enumerate_(timeout="PT0.5S")):
                answer = conn.call(make())
                self.assertIn(answer.fault, (soap.TIMED_OUT, None))
            self.assertEqual(other.call(IDENTIFY).status, 200)

    def test_reason_that_is_no_text_is_not_passed_on(self):
        self.tell("reason-not-utf8")
        with Conn(self.service) as conn:
            answer = conn.call(soap.command(soap.open_shell(conn), "x"))
            self.assertEqual(answer.fault, 87)
            self.assertIn("not UTF-8", answer.text)

    def test_reason_without_end_is_cut(self):
        self.tell("reason-long")
        with Conn(self.service) as conn:
            answer = conn.call(soap.command(soap.open_shell(conn), "x"))
            self.assertEqual(answer.fault, 87)
            self.assertIn("é" * 500, answer.text)
            self.assertLess(len(answer.body), 8192)

    def test_service_survives_them(self):
        rnd = random.Random(SEED)
        self.tell(SEED)
        net = wait_for(lambda: self.service.children("winrmd-net"), "winrmd-net runs")
        for number in range(ROUNDS):
            try:
                self.one_shell(rnd)
            except (Closed, TimeoutError):
                pass
            with Conn(self.service) as conn:
                self.assertEqual(conn.call(IDENTIFY).status, 200, number)
        self.assertEqual(self.service.children("winrmd-net"), net, self.service.log())
        self.service.kill_net()  # the next one meets those that are left, with shells of their own making
        wait_for(lambda: "winrmd-net" in self.service.log(), "the restart is logged")
        with Conn(self.service) as conn:
            self.assertEqual(conn.call(IDENTIFY).status, 200)
        net = self.service.children("winrmd-net")
        with Conn(self.service) as conn:
            self.assertEqual(conn.call(soap.delete(soap.guid())).fault, soap.UNKNOWN)
        self.assertEqual(self.service.children("winrmd-net"), net, self.service.log())


if __name__ == "__main__":
    unittest.main()
