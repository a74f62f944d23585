"""The fault proxy (tests/tools/fault_proxy.h) as a process beside a Python test."""
import os
import re
import subprocess


class Proxy:
    """`with Proxy(bin, port, seed) as proxy:` listens on proxy.port. Without a seed it cuts nothing."""

    def __init__(self, bin_dir, target, seed=None, most=1 << 20):
        self.program = os.path.join(bin_dir, "fault-proxy")
        self.target, self.seed, self.most = target, seed, most

    def __enter__(self):
        self.process = subprocess.Popen([self.program, f"127.0.0.1:{self.target}"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.port = int(re.fullmatch(r"listening on (\d+)\n", self.process.stdout.readline())[1])
        if self.seed is not None:
            self.tell(f"random {self.seed} {self.most}")
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(20) == 0

    def tell(self, line):
        """What the proxy counts, by name."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer.startswith("ok "), f"{line}: {answer}"
        return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", answer)}

    @property
    def cuts(self):
        return self.tell("status")["cuts"]
