"""A WinRM client of bare sockets: every byte, FIN and reset is the test's own doing."""
import base64
import itertools
import re
import socket
import struct
import uuid

SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
CMD = SHELL + "/cmd"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
ENUMERATION = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
ANONYMOUS = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
IDENTIFY = ('<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:wsmid='
            '"http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd">'
            "<s:Header/><s:Body><wsmid:Identify/></s:Body></s:Envelope>")
UNKNOWN = 2150858843
TIMED_OUT = 2150858793
numbers = itertools.count(1)


def message_id():
    return f"uuid:11111111-2222-4333-8444-{next(numbers):012d}"


def session_id(session):
    """Header of a client that names its session."""
    return f'<p:SessionId xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd">{session}</p:SessionId>'


def envelope(action, body="", shell=None, uri=CMD, options=(), timeout="PT20S", max_size=153600, extra="", id=None,
             session=None):
    selector = f'<w:SelectorSet><w:Selector Name="ShellId">{shell}</w:Selector></w:SelectorSet>' if shell else ""
    chosen = "".join(f'<w:Option Name="{name}"{" MustComply=" + chr(34) + "true" + chr(34) if must else ""}>{value}'
                     "</w:Option>" for name, value, must in options)
    if session:
        extra += session_id(session)
    return ('<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
            'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
            'xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" '
            f'xmlns:rsp="{SHELL}"><s:Header><a:To>http://windows-host:5985/wsman</a:To>'
            f"<a:ReplyTo><a:Address>{ANONYMOUS}</a:Address></a:ReplyTo><a:Action>{action}</a:Action>"
            f"<w:MaxEnvelopeSize>{max_size}</w:MaxEnvelopeSize>"
            f"<a:MessageID>{id or message_id()}</a:MessageID>"
            f"<w:ResourceURI>{uri}</w:ResourceURI>{selector}"
            f"<w:OptionSet>{chosen}</w:OptionSet><w:OperationTimeout>{timeout}</w:OperationTimeout>"
            f"{extra}</s:Header><s:Body>{body}</s:Body></s:Envelope>")


def create(shell_id=None, body="", streams=("stdin", "stdout stderr"), **more):
    chosen = f' ShellId="{shell_id}"' if shell_id else ""
    return envelope(TRANSFER + "/Create", f"<rsp:Shell{chosen}>{body}<rsp:InputStreams>{streams[0]}</rsp:InputStreams>"
                    f"<rsp:OutputStreams>{streams[1]}</rsp:OutputStreams></rsp:Shell>", **more)


def command(shell, line, command_id=None, arguments=(), **more):
    chosen = f' CommandId="{command_id}"' if command_id else ""
    rest = "".join(f"<rsp:Arguments>{text}</rsp:Arguments>" for text in arguments)
    return envelope(SHELL + "/Command",
                    f"<rsp:CommandLine{chosen}><rsp:Command>{line}</rsp:Command>{rest}</rsp:CommandLine>", shell, **more)


def receive(shell, command_id, streams="stdout stderr", **more):
    chosen = f' CommandId="{command_id}"' if command_id else ""
    return envelope(SHELL + "/Receive",
                    f"<rsp:Receive><rsp:DesiredStream{chosen}>{streams}</rsp:DesiredStream></rsp:Receive>", shell, **more)


def stream(data, command_id, name="stdin", end=False):
    chosen = f' CommandId="{command_id}"' if command_id else ""
    return (f'<rsp:Stream Name="{name}"{chosen}{" End=" + chr(34) + "true" + chr(34) if end else ""}>'
            f"{base64.b64encode(data).decode()}</rsp:Stream>")


def send(shell, *streams, **more):
    return envelope(SHELL + "/Send", f"<rsp:Send>{''.join(streams)}</rsp:Send>", shell, **more)


def signal(shell, command_id, code="terminate", **more):
    chosen = f' CommandId="{command_id}"' if command_id else ""
    return envelope(SHELL + "/Signal", f"<rsp:Signal{chosen}><rsp:Code>{SHELL}/signal/{code}</rsp:Code></rsp:Signal>",
                    shell, **more)


def delete(shell, **more):
    return envelope(TRANSFER + "/Delete", "", shell, **more)


def disconnect(shell, idle=None, mode=None, **more):
    """idle: a duration as text."""
    return envelope(SHELL + "/Disconnect", f"<rsp:Disconnect>{_element('IdleTimeOut', idle)}{_element('BufferMode', mode)}"
                    "</rsp:Disconnect>", shell, **more)


def reconnect(shell, mode=None, command_id=None, **more):
    body = f'<rsp:Reconnect CommandId="{command_id}"/>' if command_id else ""
    return envelope(SHELL + "/Reconnect", f"<rsp:Reconnect>{_element('BufferMode', mode)}</rsp:Reconnect>" if mode else body,
                    shell, **more)


def connect(shell, mode=None, command_id=None, **more):
    chosen = f' CommandId="{command_id}"' if command_id else ""
    return envelope(SHELL + "/Connect", f"<rsp:Connect{chosen}>{_element('BufferMode', mode)}</rsp:Connect>", shell, **more)


def get(shell, uri=SHELL, **more):
    return envelope(TRANSFER + "/Get", "", shell, uri=uri, **more)


def selector_filter(shell):
    return ('<w:Filter Dialect="http://schemas.dmtf.org/wbem/wsman/1/wsman/SelectorFilter"><w:SelectorSet>'
            f'<w:Selector Name="ShellId">{shell}</w:Selector></w:SelectorSet></w:Filter>')


def enumerate_(uri=SHELL, optimize=True, max_elements=None, inner="", **more):
    count = "" if max_elements is None else f"<w:MaxElements>{max_elements}</w:MaxElements>"
    return envelope(ENUMERATION + "/Enumerate", f'<n:Enumerate xmlns:n="{ENUMERATION}">'
                    f"{'<w:OptimizeEnumeration/>' if optimize else ''}{count}{inner}</n:Enumerate>", uri=uri, **more)


def pull(context, max_elements=None, uri=SHELL, **more):
    count = "" if max_elements is None else f"<n:MaxElements>{max_elements}</n:MaxElements>"
    return envelope(ENUMERATION + "/Pull", f'<n:Pull xmlns:n="{ENUMERATION}"><n:EnumerationContext>{context}'
                    f"</n:EnumerationContext>{count}</n:Pull>", uri=uri, **more)


def release(context, uri=SHELL, **more):
    return envelope(ENUMERATION + "/Release", f'<n:Release xmlns:n="{ENUMERATION}"><n:EnumerationContext>{context}'
                    "</n:EnumerationContext></n:Release>", uri=uri, **more)


def _element(name, text):
    return "" if text is None else f"<rsp:{name}>{text}</rsp:{name}>"


class Closed(Exception):
    """The server ended the connection where an answer was expected."""


class Answer:
    def __init__(self, status, head, body):
        self.status, self.head, self.body = status, head, body
        self.text = body.decode("utf-16" if body.startswith(b"\xff\xfe") else "utf-8")

    @property
    def fault(self):
        """Number of the fault; None for a success."""
        match = re.search(r'<f:WSManFault [^>]*Code="(\d+)"', self.text)
        return int(match[1]) if match else None

    def find(self, element):
        match = re.search(rf"<rsp:{element}(?: [^>]*)?>([^<]*)</rsp:{element}>", self.text)
        return match[1] if match else None

    def find_all(self, element):
        return re.findall(rf"<rsp:{element}(?: [^>]*)?>([^<]*)</rsp:{element}>", self.text)

    @property
    def context(self):
        """Of an enumeration; "" at its end."""
        match = re.search(r"<n:EnumerationContext>([^<]*)</n:EnumerationContext>", self.text)
        return match[1] if match else ""

    @property
    def is_end(self):
        return "EndOfSequence" in self.text

    def output(self, name="stdout"):
        return b"".join(base64.b64decode(text) for text in re.findall(
            rf'<rsp:Stream Name="{name}"[^>]*>([^<]*)</rsp:Stream>', self.text))

    def pieces(self):
        """Name, offset (None: there is none) and data of each stream element, in order."""
        found = []
        for attributes, text in re.findall(r"<rsp:Stream ([^>]*)>([^<]*)</rsp:Stream>", self.text):
            offset = re.search(r'\bo:Offset="(\d+)"', attributes)
            found.append((re.search(r'Name="(\w+)"', attributes)[1], int(offset[1]) if offset else None,
                          base64.b64decode(text)))
        return found

    @property
    def done(self):
        return f'State="{SHELL}/CommandState/Done"' in self.text

    @property
    def exit_code(self):
        text = self.find("ExitCode")
        return None if text is None else int(text)


class Conn:
    """One TCP connection."""

    def __init__(self, service, user="alice", password=None, receive_buffer=None, segment=None):
        self.socket = socket.socket()
        if segment:  # a small one makes the server's send buffer small
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(40)
        self.socket.connect((service.host, service.port))
        self.rest = b""
        password = service.users[user] if password is None and user else password
        token = base64.b64encode(f"{user}:{password}".encode()).decode() if user else None
        self.authorization = f"Authorization: Basic {token}\r\n" if user else ""
        self.host = f"{service.host}:{service.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def head(self, length, more="", path="/wsman", method="POST"):
        return (f"{method} {path} HTTP/1.1\r\nHost: {self.host}\r\n{self.authorization}"
                f"Content-Type: application/soap+xml;charset=UTF-8\r\nContent-Length: {length}\r\n{more}\r\n").encode()

    def send(self, body, more=""):
        raw = body if isinstance(body, bytes) else body.encode()
        self.socket.sendall(self.head(len(raw), more) + raw)

    def fill(self):
        try:
            data = self.socket.recv(1 << 20)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Closed(self.rest)
        self.rest += data

    def answer(self):
        while b"\r\n\r\n" not in self.rest:
            self.fill()
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 100"):
            return self.answer()
        length = int(re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)[1])
        while len(self.rest) < length:
            self.fill()
        body, self.rest = self.rest[:length], self.rest[length:]
        return Answer(int(head.split()[1]), head.decode(), body)

    def call(self, body, more=""):
        self.send(body, more)
        return self.answer()

    def is_read(self):
        """Has the server taken all that was sent to it? As the kernel says of its end of the connection."""
        mine, theirs = (f":{address[1]:04X}" for address in (self.socket.getsockname(), self.socket.getpeername()))
        with open("/proc/net/tcp") as table:
            for line in table:
                words = line.split()
                if words[1].endswith(theirs) and words[2].endswith(mine):
                    return words[4].endswith(":00000000")  # tx_queue:rx_queue
        return True

    def is_ended(self):
        """Waits for the server's FIN or reset; drops what comes before."""
        try:
            while True:
                self.fill()
        except Closed:
            return True

    def fin(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def open_shell(conn, **more):
    answer = conn.call(create(**more))
    assert answer.status == 200, answer.text
    return answer.find("ShellId")


def start(conn, shell, line, **more):
    answer = conn.call(command(shell, line, **more))
    assert answer.status == 200, answer.text
    return answer.find("CommandId")


def collect(conn, shell, command_id, **more):
    """Receives until Done: stdout, stderr, exit code."""
    out, err = b"", b""
    while True:
        answer = conn.call(receive(shell, command_id, **more))
        if answer.fault == TIMED_OUT:
            continue
        assert answer.status == 200, answer.text
        out += answer.output("stdout")
        err += answer.output("stderr")
        if answer.done:
            return out, err, answer.exit_code


def guid():
    return str(uuid.uuid4()).upper()
