#!/usr/bin/python3
"""Manual pages of section 3, made from the comments of include/wsman.h and include/wsmext.h: one
for each function that the library exports, one for each type of callback, and libwsmsvc.3.

A comment before a function has, in this order and each starting a line:
    what it does, in the first sentence; what completes, and how often
    NAME  what is to be said of a parameter; "others  as FUNCTION" for the rest
    Returns 0, CODES …   or   Errors: CODES …
    Difference from Windows: …     (if there is one)
    Threads: …
    Source: …

Usage: man3.py --out FOLDER [--release TEXT] | --check | --names | --self-test
    --out     writes the pages, and removes those that FOLDER has from before
    --check   complains about comments that lack something
    --names   prints the names of the pages
"""
import argparse
import os
import re
import sys
import textwrap

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
EXPORTS = "src/client/libwsmsvc.map"
HEADERS = ("wsman.h", "wsmext.h")
LABELS = {"Returns": "returns", "Errors:": "errors", "Difference from Windows:": "difference",
          "Threads:": "threads", "Source:": "source"}
SECTIONS = ("NAME", "LIBRARY", "SYNOPSIS", "DESCRIPTION", "PARAMETERS", "RETURN VALUE", "ERRORS", "THREADS",
            "SOURCE", "SEE ALSO")
COMMENT = r"/\*(?P<comment>(?:[^*]|\*(?!/))*)\*/\s*"
FUNCTION = re.compile(COMMENT + r"WSMAN_API_EXPORT\s+(?P<type>[\w \*]+?)\s*WINAPI\s+(?P<name>\w+)\((?P<list>[^;]*)\);")
CALLBACK = re.compile(COMMENT + r"(?:#ifdef WSMAN_API_VERSION_1_1\s*)?typedef (?P<type>void)\(CALLBACK \*"
                      r"(?P<name>\w+_FUNCTION)\)\((?P<list>[^;]*)\);")
TYPE = re.compile(r"(?:^/\*(?:[^*]|\*(?!/))*\*/\n)?^typedef (?:struct|union|enum) \w+ \{\n.*?^\} (\w+);", re.M | re.S)
ALIAS = re.compile(r"^typedef (WSMAN_\w+_V11) (WSMAN_\w+);", re.M)


# ---- Reading ----

class Parameter:
    def __init__(self, declaration):
        self.declaration = " ".join(declaration.split())
        self.name = re.search(r"(\w+)$", self.declaration)[1]
        self.type = self.declaration[:-len(self.name)].strip()
        self.text = ""

    @property
    def is_pointer(self):
        return self.type.endswith(("*", "_HANDLE", "_FUNCTION")) or self.type in ("PCWSTR", "PWSTR", "PVOID")

    @property
    def is_out(self):
        """Something that the function stores for its caller."""
        return self.type in ("DWORD *", "PWSTR") or self.type.endswith("_HANDLE *")


class Entry:
    """A function or a type of callback, with what its comment says."""

    def __init__(self, header, match, is_callback, needs_1_1):
        self.header = header
        self.name = match["name"]
        self.type = match["type"]
        self.is_callback = is_callback
        self.needs_1_1 = needs_1_1
        self.parameters = [Parameter(text) for text in match["list"].split(",")]
        self.description = []
        self.rest_as = None
        for label in LABELS.values():
            setattr(self, label, "")
        self.read(plain_lines(match["comment"]))

    @property
    def is_async(self):
        return not self.is_callback and any(p.name in ("async", "completionFunction") for p in self.parameters)

    def find(self, name):
        return next((p for p in self.parameters if p.name == name), None)

    def read(self, lines):
        paragraph = []
        for line in [*lines, ""]:
            if line.strip():
                paragraph.append(line)
            elif paragraph:
                self.read_paragraph(paragraph)
                paragraph = []

    def read_paragraph(self, lines):
        items = read_list(lines)
        if items and all(name == "others" or self.find(name) for names, _ in items for name in names):
            for names, text in items:
                for name in names:
                    if name == "others":
                        self.rest_as = re.search(r"as (\w+)", text)[1]
                    else:
                        self.find(name).text = text
            return
        target, collected = "description", []
        for line in lines:
            label = next((label for label in LABELS if line.startswith(label + " ")), None)
            if label:
                self.store(target, collected)
                target, collected = LABELS[label], [line[len(label) + 1:]]
            else:
                collected.append(line)
        self.store(target, collected)

    def store(self, target, lines):
        if lines and target == "description":
            self.description.append(lines)
        elif lines:
            setattr(self, target, " ".join(" ".join(lines).split()))


def plain_lines(comment):
    """The lines of a comment without its stars; deeper indentation stays."""
    return [re.sub(r"^ ?\*? ?", "", line, count=1).rstrip() if number else line.strip()
            for number, line in enumerate(comment.split("\n"))]


def read_list(lines):
    """[([names], text)] of `NAME, NAME  text` with lines that hang under the text; None if it is no list."""
    items, names = [], []
    for line in lines:
        match = re.match(r"([A-Za-z]\w*(?:[,-] ?\w+)*,?) {2,}(\S.*)$", line)
        if match:
            begins = not names
            names = names + [name for name in re.split(r", ?", match[1]) if name]
            if begins:
                items.append([names, match[2]])
            else:
                items[-1][0] = names
                items[-1][1] += " " + match[2]
            if not match[1].endswith(","):
                names = []
        elif line.startswith("  ") and items:
            items[-1][1] += " " + line.strip()
        else:
            return None
    return items


class Source:
    """All that the pages are made from."""

    def __init__(self, root):
        self.root = root
        self.entries = {}
        self.types = {}
        self.texts = {name: self.read(os.path.join("include", name)) for name in HEADERS}
        self.exports = re.findall(r"^\s*(WSMan\w+);", self.read(EXPORTS), re.M)
        self.codes = dict(re.findall(r"^#define ((?:ERROR|RPC)_\w+)\s+(0x[0-9A-Fa-f]+|\d+)U$",
                                     self.read("include/wsmerror.h"), re.M))
        self.given = self.read_given()
        for header, text in self.texts.items():
            for match in TYPE.finditer(text):
                self.types.setdefault(match[1], match[0])
            for match in ALIAS.finditer(text):
                self.types[match[2]] = match[0]
            for is_callback, pattern in ((False, FUNCTION), (True, CALLBACK)):
                for match in pattern.finditer(text):
                    if is_callback or match["name"] in self.exports:
                        entry = Entry(header, match, is_callback, self.is_for_1_1(text[:match.end()]))
                        self.entries[entry.name] = entry
        for entry in self.entries.values():
            self.inherit(entry)

    def read(self, name):
        with open(os.path.join(self.root, name), encoding="utf-8") as file:
            return file.read()

    @staticmethod
    def is_for_1_1(text):
        """Whether the text ends inside #ifdef WSMAN_API_VERSION_1_1."""
        stack = []
        for word, rest in re.findall(r"^#(if\w*|else|endif)(.*)$", text, re.M):
            if word.startswith("if"):
                stack.append(rest.strip())
            elif word == "endif":
                stack.pop()
        return "WSMAN_API_VERSION_1_1" in stack

    def inherit(self, entry):
        """Parameters and codes that a comment refers to. Those it refers to stand before it."""
        other = self.entries.get(entry.rest_as)
        for parameter in entry.parameters:
            like = other.find(parameter.name) if other else None
            if not parameter.text and like:
                parameter.text = like.text
        entry.codes = []
        for name in re.findall(r"those of (WSMan\w+)", entry.errors):
            if name in self.entries:
                entry.codes += self.entries[name].codes
        entry.codes += re.findall(r"\b(?:ERROR|RPC)_\w+", entry.returns + " " + entry.errors)

    def functions(self):
        return [self.entries[name] for name in self.exports if name in self.entries]

    def types_of(self, entry):
        """Definitions that its declaration needs, the ones that these need, and so on."""
        text = " ".join(p.declaration + " " + p.text for p in entry.parameters)
        if re.search(r"WSMAN_FLAG_(?:NO_COMPRESSION|SERVER_BUFFERING|DELETE)", text):
            text += " WSManShellFlag"
        found, queue = {}, re.findall(r"\bWSM[Aa][Nn]\w+", text)
        while queue:
            name = queue.pop(0)
            if name in self.types and name not in found:
                found[name] = self.types[name]
                queue += re.findall(r"\bWSM[Aa][Nn]\w+", self.types[name])
        return list(found.values())

    def read_given(self):
        """The codes that our programs and the library give."""
        found = set()
        for folder, _, names in os.walk(os.path.join(self.root, "src")):
            for name in names:
                if name.endswith((".c", ".h")) and name != "error_texts.c":
                    found.update(re.findall(r"\b(?:ERROR|RPC)_\w+", self.read(os.path.join(folder, name))))
        return found

    def section_comment(self, header, title):
        """The lines of a comment that begins with a `---- Title ----`."""
        comment = re.search(r"/\* ---- " + title + r" ----\n((?:[^*]|\*(?!/))*)\*/", self.texts[header])
        return plain_lines("\n" + comment[1])


# ---- Checking ----

def check_entry(source, entry):
    """What the comment of a function or callback lacks."""
    found = []
    if not entry.description or not re.search(r"\.( |$)", " ".join(entry.description[0])):
        found.append("has no sentence that says what it does")
    for parameter in entry.parameters:
        if not parameter.text:
            found.append(f"does not describe {parameter.name}")
        elif not entry.is_callback and parameter.is_pointer and "NULL" not in parameter.text:
            found.append(f"does not say whether {parameter.name} may be NULL")
        elif not entry.is_callback and parameter.is_out and not parameter.text.startswith("out"):
            found.append(f"does not say that {parameter.name} is out")
        elif (not entry.is_callback and parameter.type.endswith("_HANDLE *")
              and "owned by the caller, ended by WSMan" not in parameter.text):
            found.append(f"does not say who ends {parameter.name}")
    if entry.rest_as and entry.rest_as not in source.entries:
        found.append(f"refers to {entry.rest_as}, which has no comment")
    if not entry.source:
        found.append("names no source")
    elif entry.header == "wsmext.h" and not entry.is_callback and "indows" not in entry.source:
        found.append("does not say what Windows has instead")
    if not entry.is_callback:
        if not entry.threads:
            found.append("does not say which threads may call it")
        if not (entry.errors if entry.is_async else entry.returns):
            found.append("does not say what it " + ("can fail with" if entry.is_async else "returns"))
        text = " ".join(" ".join(lines) for lines in entry.description)
        if entry.is_async and not re.search(r"\b[Cc]ompletes\b|^As WSMan", text):
            found.append("does not say what completes")
    for code in entry.codes:
        if code not in source.codes:
            found.append(f"names {code}, which wsmerror.h does not have")
    return [f"include/{entry.header}: {entry.name} {text}" for text in found]


def check(source):
    found = []
    for name in source.exports:
        if name not in source.entries:
            found.append(f"{EXPORTS}: {name} has no comment in {' or '.join(HEADERS)}")
    client = source.texts["wsman.h"].split("/* ---- Plug-ins")[0]
    for name in re.findall(r"WINAPI\s+(WSMan\w+)\(", client + source.texts["wsmext.h"]):
        if name not in source.exports:
            found.append(f"{EXPORTS}: {name} is declared and not exported")
    for entry in source.entries.values():
        found += check_entry(source, entry)
        found += [f"include/{entry.header}: {entry.name} names {code}, which nothing of ours gives"
                  for code in dict.fromkeys(entry.codes) if code in source.codes and code not in source.given]
    return found


# ---- Writing ----

def escape(text):
    return text.replace("\\", "\\e")


def verbatim(lines):
    """Lines as they are, every character the one that can be copied."""
    quoted = (escape(line).replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga").replace("^", "\\(ha")
              for line in lines)
    return [".nf", *(("\\&" if line.startswith((".", "\\(aq")) else "") + line for line in quoted), ".fi"]


class Page:
    def __init__(self, source, name, release, origin):
        self.source = source
        self.name = name
        self.lines = [f'.\\" Made by tools/man3.py from {origin}; change it there.',
                      f'.TH {name} 3 "" "{release}" "Library Functions Manual"',
                      ".nh", ".ad l"]  # long names are not torn apart, and so leave gaps

    def section(self, title):
        if self.lines[-1] == ".PP":
            self.lines.pop()
        self.lines.append(f".SH {title}")
        self.is_first = True

    def add(self, *lines):
        self.lines += lines

    def fill(self, text):
        """A paragraph's text, in lines that are not too long, names marked."""
        for line in textwrap.wrap(self.mark(escape(text)), 76, break_long_words=False, break_on_hyphens=False):
            self.lines.append(("\\&" if line[0] in ".'" else "") + line)

    def mark(self, text):
        def word(match):
            name = match[0]
            if name == self.name:
                return f"\\fB{name}\\fP" + ("()" if name.startswith("WSMan") else "")
            return f"\\fB{name}\\fP(3)" if name in self.source.entries else f"\\fB{name}\\fP"
        text = re.sub(r"`(\w+)`", r"\\fI\1\\fP", text)
        return re.sub(r"\b(?:WSMan(?:Ext)?[A-Z]\w+|[A-Z][A-Z0-9]+_[A-Z0-9_]+)\b(?!\.h)", word, text)

    def paragraph(self, text):
        if not self.is_first:
            self.lines.append(".PP")
        self.is_first = False
        self.fill(text)

    def prose(self, lines):
        """Paragraphs, in which indented lines stay as they are."""
        run, is_verbatim = [], False

        def flush():
            if run and is_verbatim:
                self.add(".PP", ".RS 4", *verbatim(textwrap.dedent("\n".join(run)).split("\n")), ".RE", ".PP")
                self.is_first = True
            elif run:
                self.paragraph(" ".join(run))
            run.clear()

        for line in lines:
            if line.startswith("  ") != is_verbatim or not line.strip():
                flush()
                is_verbatim = line.startswith("  ")
            if line.strip():
                run.append(line)
        flush()

    def item(self, term, text):
        self.add(".TP", term)
        self.fill(text)
        self.is_first = False

    def see_also(self, names):
        self.section("SEE ALSO")
        names = sorted(set(names) - {self.name}, key=str.lower)
        for name in names:
            self.add(f".BR {name} (3){',' if name != names[-1] else ''}")

    def text(self):
        return "\n".join(self.lines) + "\n"


def synopsis(entry):
    """The declaration, a parameter a line."""
    space = "" if entry.type.endswith("*") else " "
    start = f"typedef void(CALLBACK *{entry.name})(" if entry.is_callback else f"{entry.type}{space}{entry.name}("
    lines = []
    for number, parameter in enumerate(entry.parameters):
        space = "" if parameter.type.endswith("*") else " "
        end = "," if number < len(entry.parameters) - 1 else ");"
        lines.append((f"\\fB{start}" if number == 0 else "    \\fB")
                     + f"{parameter.type}{space}\\fI{parameter.name}\\fB{end}\\fP")
    return lines


def capital(text):
    """The text as it begins a paragraph."""
    return text[0].upper() + text[1:]


def summary(entry):
    """The first sentence, as NAME wants it."""
    text = " ".join(" ".join(lines) for lines in entry.description[:1])
    sentence = re.split(r"\.(?: |$)", text)[0]
    return sentence[0].lower() + sentence[1:]


def write_errors(page, source, entry):
    page.section("ERRORS")
    text = entry.errors or re.sub(r"^(0|nothing; cannot fail)[,.] ?", "", entry.returns)
    if entry.returns and not entry.returns.startswith("0"):
        text = "None besides what RETURN VALUE says."
    page.paragraph(capital(text or "none."))
    codes = [code for code in dict.fromkeys(entry.codes) if code in source.codes]
    if codes:
        page.add(".PP", "In numbers:", ".PP", ".nf",
                 *(f"0x{int(source.codes[code], 0):08X}  {code}" for code in codes), ".fi")


def write_return_value(page, entry):
    page.section("RETURN VALUE")
    if entry.is_async:
        page.paragraph("None. Whatever the call leads to, wrong arguments too, the completion function is told, "
                       "on a thread of the library and never before the handle is stored.")
    elif entry.returns.startswith("0"):
        page.paragraph("0 (ERROR_SUCCESS), or a code of ERRORS.")
    else:
        page.paragraph(capital(entry.returns))


def write_entry(source, entry, release):
    page = Page(source, entry.name, release, f"include/{entry.header}")
    page.section("NAME")
    page.add(f"{entry.name} \\- " + escape(summary(entry)))
    page.section("LIBRARY")
    page.add("client library of WinRM shells (libwsmsvc, \\-lwsmsvc)")
    page.section("SYNOPSIS")
    versions = "1_1" if entry.needs_1_1 else "1_1 /* or _1_0 */"
    page.add(".nf", f".B #define WSMAN_API_VERSION_{versions}", f".B #include <{entry.header}>", ".PP",
             *synopsis(entry), ".fi")
    page.section("DESCRIPTION")
    for lines in entry.description:
        page.prose(lines)
    page.section("PARAMETERS")
    for parameter in entry.parameters:
        page.item(f".I {parameter.name}", parameter.text)
    if not entry.is_callback:
        write_return_value(page, entry)
        write_errors(page, source, entry)
        page.section("THREADS")
        page.paragraph(capital(entry.threads))
    if entry.difference:
        page.section("DIFFERENCE FROM WINDOWS")
        page.paragraph(capital(entry.difference))
    types = source.types_of(entry)
    if types:
        page.section("TYPES")
        page.add(*verbatim("\n\n".join(types).split("\n")))
    page.section("SOURCE")
    page.paragraph("Microsoft's page of that name" + entry.source[len(entry.name):]
                   if re.match(entry.name + r"\b", entry.source) else capital(entry.source))
    words = " ".join([p.declaration + " " + p.text for p in entry.parameters] + [entry.errors, entry.difference]
                     + [" ".join(lines) for lines in entry.description])
    mentioned = [name for name in re.findall(r"\bWSM[Aa][Nn]\w+", words + " " + " ".join(types))
                 if name in source.entries]
    page.see_also(["libwsmsvc", *mentioned])
    return page.text()


def write_overview(source, release):
    page = Page(source, "libwsmsvc", release, "include/wsman.h and include/wsmext.h")
    top = plain_lines(source.texts["wsman.h"].split("/*", 1)[1].split("*/", 1)[0])
    rules_at = next(i for i, line in enumerate(top) if line.startswith("Rules for all functions"))
    sources_at = next(i for i, line in enumerate(top) if line.startswith("Sources:"))
    page.section("NAME")
    page.add("libwsmsvc \\- remote shells over WS\\-Management, with the functions of Windows")
    page.section("LIBRARY")
    page.add("client library of WinRM shells (libwsmsvc, \\-lwsmsvc)")
    page.section("SYNOPSIS")
    page.add(".nf", ".B #define WSMAN_API_VERSION_1_1", ".B #include <wsman.h>",
             ".B #include <wsmerror.h>    \\fR/* the codes */\\fP",
             ".B #include <wsmext.h>      \\fR/* what Windows does not have */\\fP", ".PP",
             "\\fBcc\\fP \\fIprogram\\fP.c $(\\fBpkg\\-config \\-\\-cflags \\-\\-libs libwsmsvc\\fP)", ".fi")
    page.section("DESCRIPTION")
    page.prose(re.sub(r"^\w+\.h: (\w)", lambda m: m[1].upper(), line) for line in top[:rules_at])
    page.paragraph("A program makes an API handle (WSManInitialize), a session (WSManCreateSession), in it a shell "
                   "(WSManCreateShell), in that a command (WSManRunShellCommand), and receives what it writes "
                   "(WSManReceiveShellOutput) until it has ended; then it closes all of them, the last one first.")
    page.section("RULES FOR ALL FUNCTIONS")
    for names, text in read_list([line for line in top[rules_at + 1:sources_at] if line.strip()]):
        page.item(f".B {', '.join(names)}", text)
    page.section("LIFE OF A SHELL")
    page.prose(source.section_comment("wsman.h", "Client functions"))
    page.section("FUNCTIONS")
    for entry in source.functions():
        page.item(f".BR {entry.name} (3)", summary(entry))
    page.section("WHEN A CONNECTION BREAKS")
    page.prose(source.section_comment("wsmext.h", "When a connection breaks"))
    page.section("DIFFERENCES FROM WINDOWS")
    page.paragraph("Those that concern one function; docs/deviations.md has all.")
    for entry in source.functions():
        if entry.difference:
            page.item(f".BR {entry.name} (3)", capital(entry.difference))
    page.section("OPTIONS OF A SESSION")
    page.add(*verbatim(source.types["WSManSessionOption"].split("\n")))
    page.section("NAMES")
    names = re.findall(r"^#define WSMAN_(?:DEFAULT|STREAM_ID|SHELL_NS|CMDSHELL|SHELL_OPTION|COMMAND_STATE|SIGNAL)\w*\b.*",
                       source.texts["wsman.h"], re.M)
    page.add(*verbatim(re.sub(r" +", " ", line) for line in names))
    page.section("SOURCE")
    page.paragraph(" ".join(" ".join(top[sources_at:]).split())[len("Sources: "):])
    page.see_also(entry.name for entry in source.entries.values())
    page.add(".PP", ".BR winrmc (1),", ".BR winrmd (8);", "programs to begin with are in the folder", ".I examples",
             "of the documentation.")
    return page.text()


def pages(source, release):
    written = {entry.name: write_entry(source, entry, release) for entry in source.entries.values()}
    written["libwsmsvc"] = write_overview(source, release)
    return written


def write(source, folder, release):
    os.makedirs(folder, exist_ok=True)
    made = {f"{name}.3": text for name, text in pages(source, release).items()}
    for name in os.listdir(folder):
        if name.endswith(".3") and name not in made:
            os.remove(os.path.join(folder, name))
    for name, text in made.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)


# ---- Samples ----

GOOD = """/* Opens a door. Completes once.
 *
 * house  not NULL
 * flags  0
 * async  not NULL
 * door   out, not NULL; owned by the caller, ended by WSManCloseDoor
 *
 * Errors: ERROR_A (locked).
 * Difference from Windows: none has
 * doors.
 * Threads: any.
 * Source: WSManOpen; MS-WSMV 1. */
WSMAN_API_EXPORT void WINAPI WSManOpen(WSMAN_HOUSE_HANDLE house, DWORD flags,
                                       WSMAN_SHELL_ASYNC *async, WSMAN_DOOR_HANDLE *door);
/* Rings.
 *
 * house, flags  not NULL; 0
 *
 * Returns 0, ERROR_B.
 * Threads: any.
 * Source: WSManRing. */
WSMAN_API_EXPORT DWORD WINAPI WSManRing(WSMAN_HOUSE_HANDLE house, DWORD flags);
/* As WSManOpen, wide.
 *
 * others  as WSManOpen
 *
 * Errors: those of WSManOpen, ERROR_B.
 * Threads: any.
 * Source: WSManOpenWide. */
WSMAN_API_EXPORT void WINAPI WSManOpenWide(WSMAN_HOUSE_HANDLE house, DWORD flags,
                                           WSMAN_SHELL_ASYNC *async, WSMAN_DOOR_HANDLE *door);
"""
SAMPLES = [
    # (what is wrong, text of GOOD, its replacement, piece of the complaint or None)
    ("nothing", "", "", None),
    ("no summary", "/* Rings.\n *\n", "/*\n", "WSManRing has no sentence"),
    ("a parameter without words", " * flags  0\n", "", "WSManOpen does not describe flags"),
    ("a pointer without NULL", " * async  not NULL", " * async  told of the end", "whether async may be NULL"),
    ("an out parameter that does not say so", "door   out, not", "door   not", "that door is out"),
    ("a handle that nobody ends", "; owned by the caller, ended by WSManCloseDoor", "", "who ends door"),
    ("no threads", " * Threads: any.\n * Source: WSManRing.", " * Source: WSManRing.", "WSManRing does not say which threads"),
    ("no source", " * Threads: any.\n * Source: WSManRing.", " * Threads: any.", "WSManRing names no source"),
    ("no result", " * Returns 0, ERROR_B.\n", "", "WSManRing does not say what it returns"),
    ("no errors", " * Errors: ERROR_A (locked).\n", "", "WSManOpen does not say what it can fail with"),
    ("no word of completion", " Completes once.", "", "WSManOpen does not say what completes"),
    ("an unknown code", "Returns 0, ERROR_B", "Returns 0, ERROR_C", "WSManRing names ERROR_C"),
    ("a code that nothing gives", "Returns 0, ERROR_B", "Returns 0, ERROR_D", "WSManRing names ERROR_D, which nothing"),
    ("no comment at all", GOOD[GOOD.index("/* Rings"):GOOD.index("WSMAN_API_EXPORT DWORD")], "", "WSManRing has no comment"),
    ("a function that is not exported", "WSManRing(", "WSManKnock(", "WSManKnock is declared and not exported"),
]


def sample(text):
    """A Source of the sample headers."""
    import tempfile
    with tempfile.TemporaryDirectory(prefix="man3-") as root:
        files = {"include/wsman.h": text, "include/wsmext.h": "", EXPORTS: "{\n  WSManOpen;\n  WSManRing;\n  WSManOpenWide;\n};\n",
                 "include/wsmerror.h": "#define ERROR_A 0x10U\n#define ERROR_B 995U\n#define ERROR_D 9U\n",
                 "src/door.c": "return is_locked ? ERROR_A : ERROR_B;\n"}
        for name, content in files.items():
            os.makedirs(os.path.dirname(os.path.join(root, name)), exist_ok=True)
            with open(os.path.join(root, name), "w", encoding="utf-8") as file:
                file.write(content)
        return Source(root)


def self_test():
    failures = []
    for what, text, replacement, expected in SAMPLES:
        found = check(sample(GOOD.replace(text, replacement, 1) if text else GOOD))
        if (any(expected in complaint for complaint in found) if expected else not found) is False:
            failures.append(f"{what}: expected {expected!r}, got {found}")
    source = sample(GOOD)
    page = write_entry(source, source.entries["WSManOpenWide"], "test")
    for piece in ("\nWSManOpenWide \\- as WSManOpen, wide\n", "\\fBvoid WSManOpenWide(WSMAN_HOUSE_HANDLE \\fIhouse\\fB,",
                  ".I door\nout, not NULL; owned by the caller", "0x00000010  ERROR_A\n0x000003E3  ERROR_B\n",
                  ".BR WSManOpen (3)\n", *(f"\n.SH {section}\n" for section in SECTIONS)):
        if piece not in page:
            failures.append(f"a page without {piece!r}:\n{page}")
    if "None has doors." not in write_entry(source, source.entries["WSManOpen"], "test"):
        failures.append("a difference over two lines was cut")
    if verbatim([".a", "'b", "-c\\d"]) != [".nf", "\\&.a", "\\&\\(aqb", "\\-c\\ed", ".fi"]:
        failures.append(f"verbatim: {verbatim(['.a', chr(39) + 'b', '-c' + chr(92) + 'd'])}")
    print("\n".join(failures) or f"{len(SAMPLES) + 3} samples judged rightly")
    return bool(failures)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=ROOT)
    parser.add_argument("--release", default="winrmd")
    parser.add_argument("--out")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--names", action="store_true")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        return self_test()
    source = Source(options.root)
    if options.names:
        print("\n".join(sorted([*source.entries, "libwsmsvc"])))
    if options.out:
        write(source, options.out, options.release)
    complaints = check(source) if options.check else []
    for text in complaints:
        print(text)
    if options.check:
        print(f"{len(source.entries)} comments, {len(complaints)} complaints")
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main())
