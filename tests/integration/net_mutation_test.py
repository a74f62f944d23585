"""Every dialogue of tests/proto, spoiled by seed and sent with a valid log-on to a shell that
exists: each gets an answer or a closed connection, and winrmd-net lives through all."""
import glob
import os
import random
import re
import sys
import unittest

import rawsoap as soap
from rawsoap import Closed, Conn, IDENTIFY, open_shell, start
from service import Service, wait_for

BIN = sys.argv.pop(1)
ROUNDS = int(os.environ.get("WSM_ROUNDS", "1500"))
SEED = int(os.environ.get("WSM_SEED", "1"))
PROTO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "proto", "*", "*.xml")
PIECES = [b"<", b">", b"&", b'"', b"\0", b"\xff", b"]]>", b"<![CDATA[", b"<!--", b"<?x ?>", b"&#0;", b"&#x41;", b"9" * 30,
          b"-1", b"A" * 5000, b"<a>" * 50, b" xmlns:s='x'", b"<!DOCTYPE a>", b"PT0S", b"PT9999999999999999S", b"\xc0\x80",
          b"\xed\xa0\x80", b'MustComply="true"', b"stdin", b"stdout stderr", b"", b" "]


class Mutator:
    def __init__(self, rnd, dialogues):
        self.rnd, self.dialogues = rnd, dialogues

    def spoil_once(self, data):
        rnd = self.rnd
        at = rnd.randrange(len(data))
        how = rnd.randrange(8)
        if how == 0:
            data[at] ^= 1 << rnd.randrange(8)
        elif how == 1:
            del data[at:at + rnd.randrange(1, 200)]
        elif how == 2:
            data[at:at] = rnd.choice(PIECES)
        elif how == 3:
            other = rnd.randrange(len(data))
            data[at:at] = data[other:other + rnd.randrange(1, 400)]
        elif how == 4:
            del data[at:]
        elif how == 5:
            other = rnd.choice(self.dialogues)
            data[at:] = other[rnd.randrange(len(other)):]
        else:  # one value of an element or attribute: well formed as a rule
            match = rnd.choice(list(re.finditer(rb'>([^<>]+)<|"([^"]*)"', bytes(data))) or [None])
            if match:
                group = 1 if match[1] is not None else 2
                data[match.start(group):match.end(group)] = rnd.choice(PIECES)

    def next(self, shell, command):
        data = self.rnd.choice(self.dialogues)
        for old, new in ((b"11111111-2222-4333-8444-5555555555A1", shell), (b"11111111-2222-4333-8444-5555555555C1", command)):
            data = data.replace(old, new.encode())
        data = bytearray(re.sub(rb"PT\d+(\.000)?S", b"PT0.1S", data))
        if self.rnd.random() < 0.08:
            data = bytearray(b"\xff\xfe" + data.decode("utf-8", "replace").encode("utf-16-le", "surrogatepass"))
        for _ in range(self.rnd.choice([1, 1, 1, 2, 5])):
            if data:
                self.spoil_once(data)
        return bytes(data)


class MutationTest(unittest.TestCase):
    def test_net_survives_spoiled_dialogues(self):
        dialogues = []
        for path in sorted(glob.glob(PROTO)):
            with open(path, "rb") as file:
                dialogues.append(file.read())
        mutator = Mutator(random.Random(SEED), [text for text in dialogues if text])
        with Service(BIN, {"alice": "wonderland"}, {"MaxShellsPerUser": "1000", "MaxTimeoutms": "500"}) as service:
            net = wait_for(lambda: service.children("winrmd-net"), "winrmd-net runs")
            conn = Conn(service)
            shell = command = None
            answered = 0
            for number in range(ROUNDS):
                if number % 100 == 0:  # the one before may have been deleted
                    conn.close()
                    conn = Conn(service)
                    shell = open_shell(conn)
                    command = start(conn, shell, "cat")
                try:
                    answer = conn.call(mutator.next(shell, command))
                    self.assertIn(answer.status, (200, 500), number)
                    answered += 1
                    ended = "connection: close" in answer.head.lower()
                except Closed:
                    ended = True
                if ended:
                    conn.close()
                    conn = Conn(service)
            self.assertGreater(answered, ROUNDS // 2)
            self.assertEqual(conn.call(IDENTIFY).status, 200)
            self.assertEqual(conn.call(soap.delete(soap.guid())).fault, soap.UNKNOWN)
            self.assertEqual(service.children("winrmd-net"), net, service.log())
            conn.close()


if __name__ == "__main__":
    unittest.main()
