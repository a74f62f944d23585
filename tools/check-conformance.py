#!/usr/bin/python3
"""Holds docs/conformance.md to the tests: each rule of the API has a row, each row its tests.

Refuses: a rule without a row, a row without a test, a test that ctest does not know, a
function that is not in that test or is not run by it, an id that comes twice, a test
function named after a rule that no row names.

A row is `| id | demand | tests |`. In the last cell, in backquotes: a test of ctest, and
behind it the functions that count; a script that has no functions stands alone. Rows under
the heading LATER_HEADING have no test yet; only the ids of LATER may stand there.

Usage: check-conformance.py --build FOLDER [--root FOLDER] | --self-test
"""
import argparse
import os
import re
import shutil
import sys
import tempfile

TABLE = os.path.join("docs", "conformance.md")
LATER_HEADING = "With the plug-in host"
# The rules of the API as they are numbered: each number needs a row of its own, or rows whose
# ids go on behind it with "-word".
SERIES = (("G", 1, 16), ("R-DIS-", 1, 14), ("R-REC-", 1, 10), ("2.", 1, 21), ("3.", 1, 6),
          ("4.", 1, 8), ("5.", 1, 7), ("6.", 1, 8), ("7.", 1, 40), ("9.", 1, 15))
LATER = re.compile(r"(5\.\d+|7\.(17|18|21|26|32)|9\.14)(-.*)?")

ROW_ID = re.compile(r"(G|R-DIS-|R-REC-|\d+\.)\d+(-[a-z0-9-]+)?")
ADD_TEST = re.compile(r'^add_test\((?:\[=*\[)?([^\]" )]+)(?:\]=*\])? (.*)\)$', re.M)
DISABLED = re.compile(r'^set_tests_properties\((?:\[=*\[)?([^\]" )]+)(?:\]=*\])? .*DISABLED "?(?:TRUE|ON|1|YES)', re.M)
C_FUNCTION = re.compile(r"^static void (test_\w+)\(void \*\*", re.M)
PYTHON_FUNCTION = re.compile(r"^    def (test_\w+)\(self", re.M)
NAMED_AFTER_RULE = re.compile(r"test_(G\d+|R_DIS_\d+|R_REC_\d+|[2-9]_\d+)_", re.I)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def is_in(number, ids):
    return any(row == number or row.startswith(number + "-") for row in ids)


# ---- What there is ----

def ctest_commands(build):
    """{name: words of its command}, from what CMake wrote for ctest."""
    tests, disabled = {}, set()
    for folder, _, names in os.walk(build):
        if "CTestTestfile.cmake" in names:
            text = read(os.path.join(folder, "CTestTestfile.cmake"))
            for match in ADD_TEST.finditer(text):
                tests[match[1]] = re.findall(r'"([^"]*)"', match[2])
            disabled.update(match[1] for match in DISABLED.finditer(text))
    return {name: words for name, words in tests.items() if name not in disabled}


def listed_sources(build):
    """{name: files}, from the list that wsm_add_test() keeps."""
    path = os.path.join(build, "test-sources.txt")
    found = {}
    for line in read(path).splitlines() if os.path.exists(path) else ():
        name, _, source = line.partition(" ")
        found.setdefault(name, []).append(source)
    return found


def test_files(root):
    """{path: text} of all test sources."""
    found = {}
    for folder, _, names in os.walk(os.path.join(root, "tests")):
        for name in names:
            if name.endswith((".c", ".py")):
                path = os.path.realpath(os.path.join(folder, name))
                found[path] = read(path)
    return found


def sources_of(name, commands, listed, files):
    """The sources of a test: listed, named in its command, or the program's own .c file."""
    found = {os.path.realpath(path) for path in listed.get(name, ())}
    for word in commands[name]:
        found.add(os.path.realpath(word))
        found.update(path for path in files if os.path.basename(path) == os.path.basename(word) + ".c")
    return [path for path in found if path in files]


def functions_of(text):
    """The test functions of a source that its own main() runs."""
    run = {name for name in C_FUNCTION.findall(text)
           if len(re.findall(r"\b" + name + r"\b", text)) > 1}
    return run | set(PYTHON_FUNCTION.findall(text))


# ---- What the table says ----

def rows_of(text):
    """[(line number, is later, cells)] of all rows with an id."""
    found, later = [], False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#"):
            later = line.strip("# ") == LATER_HEADING
        if not line.startswith("|"):
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if cells[0] in ("id", "") or set(cells[0]) <= set("-: "):
            continue
        found.append((number, later, cells))
    return found


def check_tests(cell, known):
    """Complaints about the last cell of a row; known(ctest) gives its functions or None."""
    names = re.findall(r"`([^`]+)`", cell)
    if not names:
        return ["has no test"], set()
    found, cited, test, functions, alone = [], set(), None, set(), False
    for name in names + [None]:
        if name is not None and name.startswith("test_"):
            alone = False
            cited.add(name)
            if test is None:
                found.append(f"{name} stands before any test of ctest")
            elif functions is not None and name not in functions:
                found.append(f"{test} does not run {name}")
            continue
        if alone and functions:
            found.append(f"no function of {test} is named")
        if name is not None:
            test, functions, alone = name, known(name), True
            if functions is None:
                found.append(f"ctest has no {test}")
    return found, cited


def check_rows(rows, known):
    found, ids, cited = [], [], set()
    for number, later, cells in rows:
        where = f"{TABLE}:{number}: "
        if len(cells) != 3 or not cells[1]:
            found.append(where + "not id, demand and tests")
            continue
        name = cells[0]
        if not ROW_ID.fullmatch(name):
            found.append(where + f"{name} is no id")
        if name in ids:
            found.append(where + f"{name} comes twice")
        ids.append(name)
        if later:
            if not LATER.fullmatch(name):
                found.append(where + f"{name} must not wait for the plug-in host")
            continue
        complaints, functions = check_tests(cells[2], known)
        cited |= functions
        found += [where + name + " " + text for text in complaints]
    return found, ids, cited


def check(root, build, series=SERIES):
    """All complaints."""
    files = test_files(root)
    commands, listed = ctest_commands(build), listed_sources(build)

    def known(name):
        if name not in commands:
            return None
        return set().union(*(functions_of(files[path]) for path in sources_of(name, commands, listed, files)))

    if not os.path.exists(os.path.join(root, TABLE)):
        return [f"{TABLE} is missing"]
    found, ids, cited = check_rows(rows_of(read(os.path.join(root, TABLE))), known)
    for prefix, first, last in series:
        found += [f"{prefix}{n} has no row" for n in range(first, last + 1) if not is_in(f"{prefix}{n}", ids)]
    for path, text in sorted(files.items()):
        found += [f"{os.path.relpath(path, os.path.realpath(root))}: {name} is named after a rule, but no row names it"
                  for name in C_FUNCTION.findall(text) if NAMED_AFTER_RULE.match(name) and name not in cited]
    return found


# ---- Samples ----

GOOD_ROW = "| G1 | something | `api_a`: `test_G1_x` |\n"
GOOD_SOURCE = "static void test_G1_x(void **state)\n{\n}\nint main(void)\n{\n    run(test_G1_x);\n}\n"
HEAD = "# Rules\n\n| id | demand | tests |\n|---|---|---|\n"
PLUGIN = f"\n## {LATER_HEADING}\n\n| id | demand | tests |\n|---|---|---|\n"

SAMPLES = [
    # (what it shows, table, source, expected piece of the one complaint or None)
    ("a rule with its test", HEAD + GOOD_ROW, GOOD_SOURCE, None),
    ("a rule in pieces", HEAD + "| G1-a | one | `api_a`: `test_G1_x` |\n| G1-b | two | `api_script` |\n", GOOD_SOURCE, None),
    ("a test in Python", HEAD + "| G1 | one | `api_a`: `test_G1_x`; `py_b`: `test_y` |\n", GOOD_SOURCE, None),
    ("a program with a command of its own", HEAD + "| G1 | one | `api_a`: `test_G1_x`; `own`: `test_z` |\n", GOOD_SOURCE, None),
    ("a rule without a row", HEAD + "| G2 | one | `api_a`: `test_G1_x` |\n", GOOD_SOURCE, "G1 has no row"),
    ("a row without a test", HEAD + GOOD_ROW + "| G1-b | more | none |\n", GOOD_SOURCE, "docs/conformance.md:6: G1-b has no test"),
    ("a row with too few cells", HEAD + GOOD_ROW + "| G1-b | `api_script` |\n", GOOD_SOURCE, "not id, demand and tests"),
    ("a row without a demand", HEAD + GOOD_ROW + "| G1-b | | `api_script` |\n", GOOD_SOURCE, "not id, demand and tests"),
    ("an id that is none", HEAD + GOOD_ROW + "| H7 | more | `api_script` |\n", GOOD_SOURCE, "H7 is no id"),
    ("an id that comes twice", HEAD + GOOD_ROW + GOOD_ROW, GOOD_SOURCE, "G1 comes twice"),
    ("a test that ctest does not know", HEAD + GOOD_ROW + "| G1-b | more | `api_b`: `test_q` |\n", GOOD_SOURCE, "ctest has no api_b"),
    ("a test that is disabled", HEAD + GOOD_ROW + "| G1-b | more | `api_off` |\n", GOOD_SOURCE, "ctest has no api_off"),
    ("a function that does not exist", HEAD + GOOD_ROW + "| G1-b | more | `api_a`: `test_q` |\n", GOOD_SOURCE, "api_a does not run test_q"),
    ("a function of another test", HEAD + GOOD_ROW + "| G1-b | more | `py_b`: `test_G1_x` |\n", GOOD_SOURCE, "py_b does not run test_G1_x"),
    ("a function that is not run", HEAD + GOOD_ROW, GOOD_SOURCE.replace("run(test_G1_x)", "run()"), "api_a does not run test_G1_x"),
    ("a function without its test", HEAD + "| G1 | one | `test_G1_x` |\n", GOOD_SOURCE, "stands before any test"),
    ("a test without its functions", HEAD + GOOD_ROW + "| G1-b | more | `py_b`; `api_script` |\n", GOOD_SOURCE, "no function of py_b is named"),
    ("a function that no row names", HEAD + GOOD_ROW, GOOD_SOURCE.replace("int main", "static void test_R_DIS_1_y(void **state)\n{\n}\nint main"),
     "test_R_DIS_1_y is named after a rule"),
    ("a rule that may wait", HEAD + GOOD_ROW + PLUGIN + "| 5.1 | entry points | later |\n", GOOD_SOURCE, None),
    ("a rule that may not wait", HEAD + GOOD_ROW + PLUGIN + "| 2.1 | Initialize | later |\n", GOOD_SOURCE, "must not wait"),
]


def write_sample(root, table, source):
    test = os.path.join(root, "tests", "api", "a_test.c")
    files = {
        os.path.join(root, TABLE): table,
        test: source,
        os.path.join(root, "tests", "b_test.py"): "class T:\n    def test_y(self):\n        pass\n",
        os.path.join(root, "tests", "own.c"): "static void test_z(void **s)\n{\n}\nrun(test_z);\n",
        os.path.join(root, "build", "test-sources.txt"): f"api_a {test}\n",
        os.path.join(root, "build", "tests", "CTestTestfile.cmake"):
            'add_test([=[api_a]=] "/bin/api_a")\nadd_test(api_script "sh" "/x/script.sh")\n'
            f'add_test([=[py_b]=] "python3" "{root}/tests/b_test.py" "/bin")\nadd_test(own "python3" "/bin/own")\n'
            'add_test(api_off "sh" "off.sh")\nset_tests_properties(api_off PROPERTIES DISABLED "TRUE" LABELS "api")\n',
    }
    for path, text in files.items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def self_test():
    failures = []
    for what, table, source, expected in SAMPLES:
        root = tempfile.mkdtemp(prefix="check-conformance-")
        write_sample(root, table, source)
        complaints = check(root, os.path.join(root, "build"), (("G", 1, 1),))
        shutil.rmtree(root)
        good = not complaints if expected is None else len(complaints) == 1 and expected in complaints[0]
        if not good:
            failures.append(f"{what}: expected {expected!r}, got {complaints}")
    print("\n".join(failures) or f"{len(SAMPLES)} samples judged rightly")
    return bool(failures)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    parser.add_argument("--build")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        return self_test()
    if options.build is None:
        parser.error("--build is missing")
    complaints = check(os.path.abspath(options.root), os.path.abspath(options.build))
    print("\n".join(complaints + [f"{len(complaints)} complaints"]))
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main())
