"""A TCP proxy that ends connections at positions of a seed, in the ways networks do."""
import random
import select
import socket
import struct
import threading

# What the peers see of a cut after so many bytes:
RESET = "reset"      # both are reset, with whatever was on its way
SWALLOW = "swallow"  # as reset, but what the sender sends for a while before is acknowledged and lost
END = "end"          # the receiver sees an orderly end, the sender a reset
MANNERS = [RESET, SWALLOW, END]
SWALLOWED = 20000


def hard(sock):
    """Closes with a reset."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    sock.close()


class Proxy:
    """`with Proxy(port, seed) as proxy:` listens on proxy.port. Without a seed it cuts nothing."""

    def __init__(self, target, seed=None, most=1 << 20):
        self.target = target
        self.rnd = random.Random(seed) if seed is not None else None
        self.most = most
        self.cuts = 0
        self.lock = threading.Lock()
        self.is_over = False
        self.threads = []

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.acceptor = threading.Thread(target=self.accept)
        self.acceptor.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        self.listener.shutdown(socket.SHUT_RDWR)
        self.acceptor.join()
        self.listener.close()
        for thread in self.threads:
            thread.join()

    def plan(self):
        """(0 = towards the service, 1 = towards the client), bytes, manner. Small positions lie
        in the first request or answer, the others anywhere. Few are small: after each failure in a
        row the client waits longer."""
        with self.lock:
            side = self.rnd.randrange(2)
            most = self.rnd.choice([300, 3000] + 3 * [self.most, 4 * self.most])
            return side, self.rnd.randrange(1, most + 1), self.rnd.choice(MANNERS)

    def accept(self):
        while not self.is_over:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.threads = [thread for thread in self.threads if thread.is_alive()]
            self.threads.append(threading.Thread(target=self.serve, args=(client,)))
            self.threads[-1].start()

    def serve(self, client):
        try:
            service = socket.create_connection(("127.0.0.1", self.target))
        except OSError:  # nobody listens while the monitor is restarted
            hard(client)
            return
        for sock in (client, service):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.pump([client, service])
        except OSError:
            pass
        hard(client)
        hard(service)

    def pump(self, ends):
        side, left, manner = self.plan() if self.rnd else (None, 0, None)
        reading = list(ends)
        while reading and not self.is_over:
            for source in select.select(reading, [], [], 0.2)[0]:
                way = ends.index(source)
                data = source.recv(min(65536, left) if way == side else 65536)
                if not data:
                    reading.remove(source)
                    ends[1 - way].shutdown(socket.SHUT_WR)
                    continue
                ends[1 - way].sendall(data)
                if way == side:
                    left -= len(data)
                    if left == 0:
                        self.cut(source, ends[1 - way], manner)
                        return

    def cut(self, source, sink, manner):
        with self.lock:
            self.cuts += 1
        if manner == SWALLOW:
            left = SWALLOWED
            while left > 0 and select.select([source], [], [], 0.02)[0]:
                data = source.recv(left)
                if not data:
                    break
                left -= len(data)
        elif manner == END:
            sink.shutdown(socket.SHUT_WR)
