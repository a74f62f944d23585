#!/usr/bin/python3
"""Holds the rules of the source that a compiler does not know.

Refuses: includes against the arrows, include circles (in src/ also of a.c and a.h taken as
one), functions that truncate or overflow, unformatted code. Reports: functions over 100
lines, files over 1,000.

Usage: check-source.py [--root FOLDER] [--no-format] | --self-test
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

# Which folder of src/ may include which others. Below them all: the C library.
ARROWS = {
    "base": set(),
    "proto": {"base"},
    "ipc": {"base"},
    "auth": {"base"},
    "net": {"base"},
    "client": {"base", "proto", "auth", "net"},
    "monitor": {"base", "ipc"},
    "authd": {"base", "ipc", "auth"},
    "server": {"base", "proto", "ipc", "net", "auth"},
    "host": {"base", "ipc"},
    "plugin": {"base"},
    "cli": set(),
}
# The installed headers. Error codes are used everywhere, the API where it is made or used.
INSTALLED = {"wsman.h", "wsmerror.h", "wsmext.h"}
EVERYWHERE = {"wsmerror.h"}
API_FOLDERS = {"client", "plugin", "cli"}
# Libraries of others, by the folders that may include them.
LIBRARIES = {
    r"uv\.h|uv/.*": {"net", "server", "client"},
    r"expat\.h|expat_external\.h": {"proto"},
    r"openssl/.*": {"auth", "net", "server"},
    r"crypt\.h": {"auth", "authd"},
    r"gssapi/.*|krb5.*": {"auth", "authd"},
    r"security/.*": {"auth", "authd"},
}
BANNED = ("strcpy", "sprintf", "strcat", "gets", "atoi", "strncpy", "strtok")
FORMATTED = ("src", "include", "examples", "tests", "fuzz", "bench")
# The files of src/ that may know each other in a circle: a shell, what runs in it, and its link.
KNOTS = [{"src/client/" + name for name in ("command", "disconnect", "notice", "operation", "recovery", "shell")}]
FUNCTION_LINES = 100
FILE_LINES = 1000

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
BANNED_CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")


def strip(text):
    """The text with comments and literals blanked, line numbers kept."""
    def blank(match):
        token = match.group(0)
        if token.startswith("/"):
            return re.sub(r"[^\n]", " ", token)
        return token[0] + " " * (len(token) - 2) + token[-1]
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def sources(root, folders=FORMATTED):
    for folder in folders:
        for path, _, names in os.walk(os.path.join(root, folder)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(path, name), root)


def folder_of(name):
    """`cli` for src/cli/run.c, None outside src/."""
    parts = name.split(os.sep)
    return parts[1] if len(parts) > 2 and parts[0] == "src" else None


def included_folder(root, name, header):
    """The folder of src/ that an include leads to, or None."""
    if os.path.exists(os.path.join(root, "src", header)):
        return header.split("/")[0]
    if os.path.exists(os.path.join(root, os.path.dirname(name), header)):
        return folder_of(name)
    return None


def check_include(root, name, header):
    """The complaint about one include, or None."""
    folder = folder_of(name)
    if header in INSTALLED:
        if folder is None or header in EVERYWHERE or folder in API_FOLDERS:
            return None
        return f"src/{folder} may not include {header}"
    if folder is None:
        if name.startswith("include" + os.sep) and included_folder(root, name, header):
            return "an installed header may not include the inside"
        return None
    if folder not in ARROWS:
        return f"src/{folder} is not known to tools/check-source.py"
    for pattern, allowed in LIBRARIES.items():
        if re.fullmatch(pattern, header) and folder not in allowed:
            return f"src/{folder} may not use the library of {header}"
    target = included_folder(root, name, header)
    if target is None or target == folder or target in ARROWS[folder]:
        return None
    return f"src/{folder} may not include src/{target}"


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def check_file(root, name, text, graph):
    """Complaints about one file; its includes of ours go into graph."""
    code = strip(text)
    found = []
    graph[name] = []
    # Names of headers are literals, so they are read from the text itself; whether the
    # directive stands inside a comment shows in the blanked one.
    for match in INCLUDE.finditer(text):
        if "#" not in code[match.start():match.end()]:
            continue
        complaint = check_include(root, name, match[2])
        if complaint:
            found.append(f"{name}:{line_of(text, match.start(2))}: {complaint}")
        for candidate in (os.path.join("src", match[2]), os.path.join("include", match[2]),
                          os.path.join(os.path.dirname(name), match[2])):
            if os.path.exists(os.path.join(root, candidate)):
                graph[name].append(os.path.normpath(candidate))
                break
    for match in BANNED_CALL.finditer(code):
        found.append(f"{name}:{line_of(code, match.start())}: {match[1]} truncates, overflows or hides errors")
    return found


def circles(graph):
    """One complaint for each circle of includes that a walk from the first file finds."""
    found, done = [], set()

    def walk(name, path):
        if name in path:
            found.append("include circle: " + " -> ".join(path[path.index(name):] + [name]))
            return
        if name in done or name not in graph:
            return
        for header in graph[name]:
            walk(header, path + [name])
        done.add(name)

    for name in graph:
        walk(name, [])
    return found


def reachable(graph, start):
    """What can be reached from a node, itself only by a circle."""
    seen, todo = set(), list(graph.get(start, ()))
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            todo += graph.get(node, ())
    return seen


def unit_circles(graph):
    """The same where a.c and a.h count as one, with which circles of headers are found too."""
    units = {}
    for name, headers in graph.items():
        unit = os.path.splitext(name)[0]
        units.setdefault(unit, set()).update(os.path.splitext(header)[0] for header in headers)
        units[unit].discard(unit)
    reach = {unit: reachable(units, unit) for unit in units}
    found, done = [], set()
    for unit in sorted(units):
        circle = {other for other in reach[unit] if unit in reach.get(other, ())}
        if unit in done or not circle:
            continue
        done |= circle
        if not any(circle <= knot for knot in KNOTS):
            edges = sorted(f"{a} -> {b}" for a in circle for b in units[a] & circle)
            found.append("include circle: " + ", ".join(edges))
    return found


def lengths(name, text):
    """Reports of what is long: a function's body opens and closes in the first column."""
    found, start = [], None
    lines = text.split("\n")
    if len(lines) > FILE_LINES:
        found.append(f"{name}: {len(lines)} lines")
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start is not None:
            if number - start - 1 > FUNCTION_LINES:
                found.append(f"{name}:{start}: a function of {number - start - 1} lines")
            start = None
    return found


def unformatted(root, names):
    names = list(names)
    result = subprocess.run(["clang-format", "--dry-run", "-Werror", *names], cwd=root, text=True,
                            stderr=subprocess.PIPE, check=False) if names else None
    if result is None or result.returncode == 0:
        return []
    files = sorted(set(re.findall(r"^([^:\n]+):\d+:\d+: error", result.stderr, re.M)))
    return [f"{name}: not formatted; run clang-format -i {name}" for name in files] or [result.stderr]


def check(root, with_format=True):
    """(complaints, reports) about a tree."""
    complaints, reports, graph = [], [], {}
    names = list(sources(root))
    for name in names:
        with open(os.path.join(root, name), encoding="utf-8") as file:
            text = file.read()
        complaints += check_file(root, name, text, graph)
        reports += lengths(name, text)
    ours = {name for name in graph if folder_of(name)}
    complaints += unit_circles({name: graph[name] for name in ours})
    complaints += circles({name: graph[name] for name in graph if name not in ours})
    if with_format:
        complaints += unformatted(root, names)
    return complaints, reports


SAMPLES = [
    # (what it shows, {file: text}, expected piece of the complaint or None)
    ("an arrow upwards", {"src/base/a.c": '#include "proto/x.h"\n', "src/proto/x.h": ""}, "src/base may not include src/proto"),
    ("client includes server", {"src/client/a.c": '#include "server/x.h"\n', "src/server/x.h": ""}, "may not include src/server"),
    ("server includes client", {"src/server/a.c": '#include "client/x.h"\n', "src/client/x.h": ""}, "may not include src/client"),
    ("monitor reads XML", {"src/monitor/a.c": '#include "proto/x.h"\n', "src/proto/x.h": ""}, "may not include src/proto"),
    ("host uses libuv", {"src/host/a.c": "#include <uv.h>\n"}, "may not use the library of uv.h"),
    ("host uses net", {"src/host/a.c": '#include "net/x.h"\n', "src/net/x.h": ""}, "may not include src/net"),
    ("cli includes base", {"src/cli/a.c": '#include "base/x.h"\n', "src/base/x.h": ""}, "src/cli may not include src/base"),
    ("server includes the API", {"src/server/a.c": "#include <wsman.h>\n", "include/wsman.h": ""}, "may not include wsman.h"),
    ("a header includes the inside", {"include/wsman.h": '#include "base/x.h"\n', "src/base/x.h": ""}, "may not include the inside"),
    ("a circle", {"src/base/a.h": '#include "base/b.h"\n', "src/base/b.h": '#include "b2.h"\n',
                  "src/base/b2.h": '#include "base/a.h"\n'}, "include circle: "),
    ("a circle of files", {"src/base/a.c": '#include "base/b.h"\n', "src/base/a.h": "", "src/base/b.h": "",
                           "src/base/b.c": '#include "base/b.h"\n#include "base/a.h"\n'},
     "include circle: src/base/a -> src/base/b, src/base/b -> src/base/a"),
    ("a circle of tests", {"tests/unit/a.h": '#include "b.h"\n', "tests/unit/b.h": '#include "a.h"\n'}, "include circle: "),
    ("a knot that is known", {"src/client/shell.c": '#include "client/command.h"\n', "src/client/shell.h": "",
                              "src/client/command.c": '#include "client/shell.h"\n', "src/client/command.h": ""}, None),
    ("a knot that grows", {"src/client/shell.c": '#include "client/x.h"\n', "src/client/shell.h": "", "src/client/x.h": "",
                           "src/client/x.c": '#include "client/shell.h"\n'}, "src/client/shell -> src/client/x"),
    ("an unknown folder", {"src/misc/a.c": "#include <stdio.h>\n"}, "not known"),
    ("a banned function", {"src/base/a.c": "void f(char *a)\n{\n    strcpy (a, a);\n}\n"}, "a.c:3: strcpy"),
    ("a banned function in a test", {"tests/unit/a.c": "int n = atoi(x);\n"}, "a.c:1: atoi"),
    ("allowed includes", {"src/cli/a.c": "#include <wsman.h>\n#include <wsmext.h>\n#include \"a.h\"\n", "src/cli/a.h": "",
                          "src/base/b.c": '#include "wsmerror.h"\n', "include/wsman.h": "", "include/wsmext.h": "",
                          "include/wsmerror.h": "", "src/server/c.c": '#include "proto/x.h"\n', "src/proto/x.h": ""}, None),
    ("words in comments and strings", {"src/base/a.c": '/* strcpy(a)\n#include "proto/x.h"\n*/\nconst char *s = "gets(x)"; // atoi(y)\n',
                                       "src/proto/x.h": ""}, None),
    ("names that only contain one", {"src/base/a.c": "int n = snprintf(a, 1, b); my_strcpy(a); x->gets(b);\n"}, None),
]


def write_tree(root, files):
    for name, text in files.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def self_test():
    failures = []
    for what, files, expected in SAMPLES:
        root = tempfile.mkdtemp(prefix="check-source-")
        write_tree(root, files)
        complaints, _ = check(root, with_format=False)
        shutil.rmtree(root)
        good = not complaints if expected is None else len(complaints) == 1 and expected in complaints[0]
        if not good:
            failures.append(f"{what}: expected {expected!r}, got {complaints}")
    root = tempfile.mkdtemp(prefix="check-source-")
    write_tree(root, {".clang-format": "BasedOnStyle: LLVM\n", "src/base/a.c": "int  a ;\n",
                      "src/base/b.c": "void f(void)\n{\n" + "    g();\n" * 101 + "}\n" + "\n" * 1000})
    complaints, reports = check(root)
    shutil.rmtree(root)
    if not any("a.c: not formatted" in text for text in complaints):
        failures.append(f"unformatted code: got {complaints}")
    if len(reports) != 2 or "b.c: 1105 lines" not in reports[0] or "101 lines" not in reports[1]:
        failures.append(f"lengths: got {reports}")
    print("\n".join(failures) or f"{len(SAMPLES) + 2} samples judged rightly")
    return bool(failures)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    parser.add_argument("--no-format", action="store_true")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        return self_test()
    complaints, reports = check(os.path.abspath(options.root), not options.no_format)
    for text in reports:
        print("long:", text)
    for text in complaints:
        print(text)
    print(f"{len(complaints)} complaints, {len(reports)} reports")
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main())
