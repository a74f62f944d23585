#!/usr/bin/python3
"""There may be hundreds of shell hosts: each links the C library at most, and many of them take
little memory, measured against as many processes of the smallest program that is at hand.

A host hides its memory from its own user, so only root can read its PSS; the run of others
compares private pages.

Usage: host_size_test.py BIN-FOLDER
"""
import os
import re
import subprocess
import sys
import unittest

from rawsoap import Conn, open_shell
from service import Service, wait_for

BIN = sys.argv.pop(1)
COUNT = 24
# Measured: 0.6 of it linked statically, 1.0 with a shared C library. A host with libuv or
# expat takes a fifth more, one with libssl five times as much.
TIMES_AS_MUCH = 1.5


def memory_kib(pid):
    """The share of a process in memory: pages that several map are divided among them."""
    if os.getuid() != 0:
        with open(f"/proc/{pid}/statm", encoding="utf-8") as file:
            _, resident, shared = file.read().split()[:3]
        return (int(resident) - int(shared)) * os.sysconf("SC_PAGESIZE") // 1024
    with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
        return int(re.search(r"^Pss: *(\d+) kB", file.read(), re.M)[1])


class HostSize(unittest.TestCase):
    def test_links_the_c_library_at_most(self):
        text = subprocess.run(["readelf", "-d", os.path.join(BIN, "winrmd-shell")], check=True,
                              capture_output=True, text=True).stdout
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", text)
        self.assertLessEqual(set(needed), {"libc.so.6"}, needed)

    def test_many_take_little_memory(self):
        with Service(BIN, {"alice": "wonderland"}, {"MaxShellsPerUser": COUNT}) as service, Conn(service) as conn:
            for _ in range(COUNT):
                open_shell(conn)
            hosts = wait_for(lambda: len(service.children("winrmd-shell")) == COUNT and
                             service.children("winrmd-shell"), "all hosts run")
            sleepers = [subprocess.Popen(["sleep", "1000"]) for _ in range(COUNT)]
            try:
                wait_for(lambda: all(os.readlink(f"/proc/{each.pid}/exe").endswith("sleep") for each in sleepers),
                         "all sleepers run")
                mine = sum(memory_kib(pid) for pid in hosts) / COUNT
                theirs = sum(memory_kib(each.pid) for each in sleepers) / COUNT
            finally:
                for each in sleepers:
                    each.kill()
                    each.wait()
        print(f"{COUNT} hosts: {mine:.0f} KiB each, sleep: {theirs:.0f} KiB each, {mine / theirs:.2f} times")
        self.assertLessEqual(mine, TIMES_AS_MUCH * theirs)


if __name__ == "__main__":
    unittest.main(verbosity=2)
