"""A winrmd of the test's own: free port, users, run directory; everything ends with it."""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time


def wait_for(condition, what, seconds=20):
    """Polls until condition() is true; its value. No test sleeps for a fixed time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain: {what}")
        time.sleep(0.01)


class Service:
    """`with Service(bin) as service:` starts winrmd; users maps names to passwords."""

    def __init__(self, bin_dir, users=None, settings=None, root_shells=True):
        self.bin = bin_dir
        self.users = users or {"alice": "wonderland ünïcode"}
        self.root_shells = root_shells
        self.settings = {"Listen": "127.0.0.1:0", "Basic": "true", "AllowUnencrypted": "true"}
        self.settings.update(settings or {})
        self.process = None

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="winrmd-test-")
        self.log_path = os.path.join(self.folder, "log")
        self.settings.setdefault("UsersFile", os.path.join(self.folder, "users"))
        self.settings.setdefault("RunDirectory", os.path.join(self.folder, "run"))
        self.config = os.path.join(self.folder, "winrmd.conf")
        with open(self.config, "w") as file:
            for name, value in self.settings.items():
                file.write(f"{name} = {value}\n")
        for user, password in self.users.items():
            subprocess.run([self.tool("winrmd"), "-c", self.config, "user", "add", user], check=True,
                           input=password + "\n", text=True, stdout=subprocess.DEVNULL)
        self.watch_reader, self.watch_writer = os.pipe()
        self.start()
        return self

    def tool(self, name):
        return os.path.join(self.bin, name)

    def start(self):
        """Starts the monitor (again) and waits until it listens."""
        root = ["--allow-root-shells"] if self.root_shells and os.getuid() == 0 else []
        with open(self.log_path, "a") as log:
            self.process = subprocess.Popen(
                [self.tool("winrmd"), "-c", self.config, *root, "--watch-fd", str(self.watch_reader)],
                pass_fds=[self.watch_reader], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=log, text=True)
        line = self.process.stdout.readline()
        match = re.fullmatch(r"listening on (http://(.*?):(\d+)/wsman)\n", line)
        if not match:
            raise AssertionError(f"winrmd did not start: {line!r}\n{self.log()}")
        self.url, self.host, self.port = match[1], match[2], int(match[3])

    def log(self):
        with open(self.log_path) as log:
            return log.read()

    def children(self, name):
        """Process ids of the monitor's children of that name."""
        found = []
        for pid in self._children_of(self.process.pid):
            try:
                with open(f"/proc/{pid}/comm") as comm:
                    if comm.read().strip() == name:
                        found.append(pid)
            except (FileNotFoundError, ProcessLookupError):
                pass
        return found

    @staticmethod
    def _children_of(pid):
        with open(f"/proc/{pid}/task/{pid}/children") as children:
            return [int(word) for word in children.read().split()]

    def kill_net(self):
        """SIGKILL for winrmd-net; returns when another one has taken its place."""
        old = wait_for(lambda: self.children("winrmd-net"), "winrmd-net runs")[0]
        os.kill(old, signal.SIGKILL)
        wait_for(lambda: [pid for pid in self.children("winrmd-net") if pid != old],
                 "winrmd-net was started again")

    def __exit__(self, *_):
        os.close(self.watch_writer)
        os.close(self.watch_reader)
        if self.process is not None:
            self.process.stdout.close()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
        log = self.log()
        if "Sanitizer" in log or "runtime error:" in log or "Assertion" in log:
            raise AssertionError(log)
        shutil.rmtree(self.folder)
