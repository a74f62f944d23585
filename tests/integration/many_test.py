"""Many sessions at once: a client with one API handle, and a winrmd that listens on all addresses
of a network of the test's own, so that each session has another address. Needs privileges; where
such a network cannot be made all sessions go to one address, which is said.

WSM_MANY is how many (2000)."""
import fcntl
import os
import resource
import socket
import struct
import subprocess
import sys

from service import Service

if "MANY_INSIDE" not in os.environ:
    os.environ["MANY_INSIDE"] = "1"
    if subprocess.run(["unshare", "--net", "true"]).returncode == 0:
        os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])
    print("no network of its own: all sessions have one address")
    os.environ["MANY_INSIDE"] = ""
HAS_NETWORK = os.environ["MANY_INSIDE"] == "1"

BIN = os.path.abspath(sys.argv[1])
COUNT = int(os.environ.get("WSM_MANY", "2000"))


def status(pid, name):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name + ":"))


def raise_loopback():
    """What "ip link set lo up" does, which need not be installed."""
    SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(sock, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


if HAS_NETWORK:
    raise_loopback()
hard = max(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 8 * COUNT)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
with Service(BIN, {"tester": "secret"}, {
        "Listen": "0.0.0.0:0" if HAS_NETWORK else "127.0.0.1:0", "MaxShellsPerUser": str(COUNT), "MaxConnections": str(4 * COUNT)}) as service:
    password = os.path.join(service.folder, "password")
    with open(password, "w") as file:
        file.write("secret\n")
    where = str(service.port) if HAS_NETWORK else f"127.0.0.1:{service.port}"
    result = subprocess.run([os.path.join(BIN, "many"), str(COUNT), where, "tester", password],
                            stdin=subprocess.DEVNULL)
    net = service.children("winrmd-net")[0]
    ticks = os.sysconf("SC_CLK_TCK")
    with open(f"/proc/{net}/stat") as file:
        times = file.read().rsplit(")", 1)[1].split()
    print(f"winrmd-net: {status(net, 'VmHWM') / COUNT:.1f} KiB at most for each, "
          f"{int(times[11]) / ticks:.2f} s user, {int(times[12]) / ticks:.2f} s system")
    if result.returncode != 0:
        sys.stderr.write(service.log()[-4000:])
sys.exit(result.returncode)
