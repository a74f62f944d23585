"""Runs a test program against a real service: PROGRAM gets the address, a user, a file with the
password, a folder of its own and the one of the build's programs in the environment
(TEST_ADDRESS, TEST_USER, TEST_PASSWORD_FILE, TEST_FOLDER, TEST_BIN, TEST_MONITOR: its process id).

Usage: with_service.py BIN PROGRAM [ARGUMENT…]"""
import os
import subprocess
import sys

from service import Service

with Service(sys.argv[1], {"tester": "secret"}, {"MaxShellsPerUser": "1000"}) as service:
    password = os.path.join(service.folder, "password")
    with open(password, "w") as file:
        file.write("secret\n")
    result = subprocess.run(sys.argv[2:], stdin=subprocess.DEVNULL, env={
        **os.environ, "TEST_BIN": os.path.abspath(sys.argv[1]), "TEST_ADDRESS": f"127.0.0.1:{service.port}",
        "TEST_USER": "tester", "TEST_PASSWORD_FILE": password, "TEST_FOLDER": service.folder,
        "TEST_MONITOR": str(service.process.pid)})
    if result.returncode != 0:
        sys.stderr.write(service.log()[-4000:])
sys.exit(result.returncode)
