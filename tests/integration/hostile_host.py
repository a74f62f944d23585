#!/usr/bin/python3
"""A shell host that lies to winrmd-net: in the place of winrmd-shell. The file `lie` beside it
says how: the name of one lie, or a number, the seed of any number of them, which counts up."""
import array
import os
import random
import select
import socket
import struct
import sys

HELLO, OPEN, RUN, FETCH, DELETE, INSPECT = 1, 16, 17, 19, 23, 26
SHELL, COMMAND, REPORT_END, DONE, FAILED, OUTPUT, ANSWER, GONE, STARTED = 64, 65, 66, 67, 68, 69, 70, 71, 72
FRAME_MAX = 128 * 1024
MORE = 2


def frame(kind, payload, flags=0):
    return struct.pack("<HHI", kind, flags, len(payload)) + payload


def span(data):
    return struct.pack("<I", len(data)) + data


def unspan(data):
    length = struct.unpack("<I", data[:4])[0]
    return data[4:4 + length], data[4 + length:]


def shell(is_open, names, times=(0, 0, 0), connection=1):
    """SHELL: resource, input and output streams; times; then no session, no name, nobody's message."""
    return (bytes([is_open]) + b"".join(span(name) for name in names) + struct.pack("<QQQ", *times) + span(b"/")
            + struct.pack("<BBI", 1, 1, 0) + span(b"") * 4 + struct.pack("<BBIQ", connection, 0, 1, 1000))


class Liar:
    def __init__(self, rnd, link):
        self.rnd, self.link = rnd, link

    def number(self):
        return self.rnd.choice([0, 1, 2, 3, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1, self.rnd.getrandbits(64)])

    def text(self):
        return self.rnd.choice([b"", b"stdout", b"stdout stderr", b"stdin", b"stdin stdin", b"\0", b"\xff\xfe<&>]]>",
                                b"\xed\xa0\x80", b"x" * 70000, b"%s%n", b"\x1b[31m\r\n", b"11111111-2222-4333-8444-5555555555C1"])

    def answer(self, kind, request, asked):
        """Any message at all; often one that would fit."""
        u64 = struct.pack("<Q", request if self.rnd.random() < 0.8 else self.number())
        number32 = struct.pack("<I", self.number() & 0xFFFFFFFF)
        bodies = {
            HELLO: struct.pack("<IIQ", 1, self.rnd.choice([0, 1, 9]), 0),
            SHELL: shell(self.rnd.randrange(256), [self.text()] * 3, [self.number() for _ in "123"], self.rnd.randrange(256)),
            COMMAND: span(self.text()) + struct.pack("<10Q", *(self.number() for _ in range(10)))
            + bytes([self.rnd.randrange(3)]) + number32 + span(self.text()),
            REPORT_END: u64,
            DONE: u64,
            STARTED: u64 + span(self.text()),
            FAILED: u64 + number32 + span(self.text()),
            OUTPUT: u64 + bytes([self.rnd.choice([0, 1, 2, 255])])
            + struct.pack("<Q", asked if self.rnd.random() < 0.7 else self.number())
            + span(os.urandom(self.rnd.choice([0, 1, 100, 60000]))),
            ANSWER: u64 + bytes([self.rnd.randrange(3)]) + number32 + number32 + b"\1",
            GONE: number32 + span(self.text()),
        }
        return frame(kind, bodies[kind])

    def spoil(self, packet):
        """Bytes that are no frame, or one that is too long, or ends within a field."""
        how = self.rnd.randrange(6)
        if how == 0:
            return packet[:self.rnd.randrange(len(packet))] or b"\0"
        if how == 1:
            return packet + b"\0"
        if how == 2:
            return bytes(self.rnd.randrange(256) for _ in range(self.rnd.randrange(1, 64)))
        if how == 3:
            return frame(OUTPUT, b"\0" * (FRAME_MAX - 8), MORE)
        if how == 4:
            return frame(self.rnd.randrange(65536), packet[8:], self.rnd.randrange(65536))
        cut = bytearray(packet)
        cut[self.rnd.randrange(len(cut))] ^= 1 << self.rnd.randrange(8)
        return bytes(cut)

    def say(self, packet):
        if self.rnd.random() < 0.02:
            packet = self.spoil(packet)
        if self.rnd.random() < 0.01:
            self.link.sendmsg([packet], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))])
        else:
            self.link.send(packet)

    def greet(self):
        self.say(frame(HELLO, struct.pack("<IIQ", 1, 1, 0)))
        is_open = self.rnd.random() < 0.3
        names = (b"cmd", b"stdin", b"stdout stderr") if is_open else (b"", b"", b"")
        self.say(frame(SHELL, shell(is_open, names)))
        for _ in range(self.rnd.choice([0, 0, 1, 5])):
            self.say(self.answer(COMMAND, 0, 0))
        self.say(frame(REPORT_END, bytes(8)))

    def reply(self, packet):
        kind, _, length = struct.unpack("<HHI", packet[:8])
        request = struct.unpack("<Q", packet[8:16])[0] if length >= 8 else 0
        for _ in range(self.rnd.choice([0, 0, 0, 1, 3])):
            self.say(self.answer(self.rnd.choice([OUTPUT, OUTPUT, DONE, STARTED, ANSWER, FAILED] if self.rnd.random() < 0.9
                                                 else [HELLO, SHELL, COMMAND, REPORT_END, GONE]), request, 0))
        chance = self.rnd.random()
        if chance < 0.05:
            return  # no answer at all
        if kind == INSPECT:
            self.say(self.answer(SHELL, 0, 0))
            for _ in range(self.rnd.choice([0, 1, 1, 5])):
                self.say(self.answer(COMMAND, 0, 0))
        fitting = {FETCH: ANSWER, RUN: STARTED, INSPECT: REPORT_END}.get(kind, DONE)
        self.say(self.answer(fitting if chance < 0.9 else FAILED, request, 0))


class OneLie(Liar):
    """Honest but for one thing."""
    is_open = False

    def __init__(self, lie, link):
        super().__init__(None, link)
        self.lie = lie

    def greet(self):
        self.link.send(frame(HELLO, struct.pack("<IIQ", 1, 1, 0)))
        self.report(bytes(8))

    def report(self, number):
        names = (b"cmd", b"stdin", b"stdout stderr") if OneLie.is_open else (b"", b"", b"")
        self.link.send(frame(SHELL, shell(OneLie.is_open, names)))
        self.link.send(frame(REPORT_END, number))

    def answer_ends(self, packet):
        """No lie: the last bytes of both streams, which end at 100, were dropped."""
        streams, *places, _, max_pieces = struct.unpack("<IQQII", unspan(packet[16:])[1])
        for stream, at in enumerate(places):
            if streams & 1 << stream and at != 100 and max_pieces > 0:
                self.link.send(frame(OUTPUT, packet[8:16] + struct.pack("<BQ", stream, 100) + span(b"")))
                places[stream] = 100
                max_pieces -= 1
        is_done = all(at == 100 for at in places)
        self.link.send(frame(ANSWER, packet[8:16] + struct.pack("<BIIB", is_done, 7 * is_done, streams * is_done, 0)))

    def reply(self, packet):
        kind, _, _, request = struct.unpack("<HHIQ", packet[:16])
        number = struct.pack("<Q", request)
        OneLie.is_open = OneLie.is_open or kind == OPEN
        if kind == DELETE and self.lie == "breaks-at-delete":
            raise OSError("closes this connection, takes another")
        if kind == DELETE and self.lie == "dies-at-delete":
            os._exit(1)
        if kind == INSPECT and self.lie == "other-report":
            number = struct.pack("<Q", request + 1)
        if kind == INSPECT:
            self.report(number)
        elif kind == FETCH and self.lie == "dropped-ends":
            self.answer_ends(packet)
        elif kind == FETCH and self.lie == "done-for-fetch":
            self.link.send(frame(DONE, number))
        elif kind == FETCH and self.lie == "many-pieces":
            for _ in range(1000):
                self.link.send(frame(OUTPUT, number + bytes(9) + span(b"")))
            self.link.send(frame(ANSWER, number + bytes(10)))
        elif kind == RUN and self.lie == "reason-not-utf8":
            self.link.send(frame(FAILED, number + struct.pack("<I", 87) + span(b"a\xff\xfeb")))
        elif kind == RUN and self.lie == "reason-long":
            self.link.send(frame(FAILED, number + struct.pack("<I", 87) + span("é".encode() * 50000)))
        elif kind == RUN:
            rest = unspan(packet[16:])[1]  # behind the message id
            self.link.send(frame(STARTED, number + span(unspan(rest)[0])))
        else:
            self.link.send(frame(DONE, number))


class Host:
    """Serves one connection at a time; ends with the starter, as a real one does."""

    def __init__(self, arguments, lie):
        options = dict(zip(arguments[::2], arguments[1::2]))
        self.lie = lie
        self.listener = socket.socket(fileno=3)
        self.listener.listen(8)
        self.first = socket.socket(fileno=int(options["--connected-fd"])) if "--connected-fd" in options else None
        self.poll = select.poll()
        self.starter = int(options["--watch-fd"]) if "--watch-fd" in options else -1
        if self.starter >= 0:
            self.poll.register(self.starter, select.POLLIN)

    def wait(self, sock):
        self.poll.register(sock, select.POLLIN)
        ready = [fd for fd, _ in self.poll.poll()]
        self.poll.unregister(sock)
        if self.starter in ready:
            sys.exit(0)

    def serve(self, link):
        if isinstance(self.lie, int):
            liar = Liar(random.Random(self.lie), link)
            self.lie += 1000003
        else:
            liar = OneLie(self.lie, link)
        link.settimeout(20)
        try:
            liar.greet()
            while True:
                self.wait(link)
                packet = link.recv(FRAME_MAX)
                if not packet:
                    break
                liar.reply(packet)
        except OSError:
            pass
        link.close()

    def run(self):
        if self.first is not None:
            self.serve(self.first)
        while True:
            self.wait(self.listener)
            self.serve(self.listener.accept()[0])


def take_lie():
    path = os.path.join(os.path.dirname(os.path.realpath(__file__)), "lie")
    with open(path, "r+") as file:
        lie = file.read()
        if not lie.isdigit():
            return lie
        file.seek(0)
        file.write(str(int(lie) + 1))
    return int(lie)


if __name__ == "__main__":
    Host(sys.argv[1:], take_lie()).run()
