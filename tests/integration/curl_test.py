#!/usr/bin/python3
"""Raw SOAP through curl, a foreign HTTP client: faults, bad XML, wrong media, 401.

Usage: curl_test.py BIN-FOLDER
"""
import re
import subprocess
import sys
import unittest

from service import Service

BIN = sys.argv.pop(1)
USER, PASSWORD = "alice", "secret"
SHELL_NS = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
CMD = SHELL_NS + "/cmd"
CREATE = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Create"
DELETE = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Delete"
IDENTIFY = ('<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:wsmid='
            '"http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd">'
            "<s:Header/><s:Body><wsmid:Identify/></s:Body></s:Envelope>")
SHELL_BODY = ("<rsp:Shell><rsp:InputStreams>stdin</rsp:InputStreams>"
              "<rsp:OutputStreams>stdout stderr</rsp:OutputStreams></rsp:Shell>")


def envelope(action, body, selector="", uri=CMD, extra="", message_id="uuid:11111111-2222-4333-8444-555555555501"):
    chosen = f'<w:SelectorSet><w:Selector Name="ShellId">{selector}</w:Selector></w:SelectorSet>' if selector else ""
    return ('<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
            'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
            'xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" '
            f'xmlns:rsp="{SHELL_NS}"><s:Header><a:To>http://windows-host:5985/wsman</a:To>'
            "<a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
            f"</a:Address></a:ReplyTo><a:Action>{action}</a:Action>"
            f"<a:MessageID>{message_id}</a:MessageID><w:ResourceURI>{uri}</w:ResourceURI>"
            f"{chosen}{extra}</s:Header><s:Body>{body}</s:Body></s:Envelope>")


class CurlTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service(BIN, {USER: PASSWORD}).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.service.__exit__(None, None, None)

    def post(self, body, *options, user=f"{USER}:{PASSWORD}", media="application/soap+xml;charset=UTF-8",
             url=None):
        """Status, head and body of the answer."""
        command = ["curl", "-s", "-i", "--max-time", "30", "-H", f"Content-Type: {media}",
                   "--data-binary", "@-", *options, url or self.service.url]
        if user is not None:
            command[1:1] = ["-u", user]
        raw = body if isinstance(body, bytes) else body.encode()
        answer = subprocess.run(command, input=raw, capture_output=True, check=True).stdout
        head, _, rest = answer.partition(b"\r\n\r\n")
        while head.startswith(b"HTTP/1.1 100"):
            head, _, rest = rest.partition(b"\r\n\r\n")
        return int(head.split()[1]), head.decode(), rest.decode("utf-8", "replace")

    def assert_fault(self, answer, code, subcode):
        status, head, body = answer
        self.assertEqual(status, 500, body)
        self.assertIn("application/soap+xml;charset=UTF-8", head)
        self.assertIn(f'Code="{code}"', body)
        self.assertIn(f"<s:Value>{subcode}</s:Value>", body)

    def create(self):
        status, _, body = self.post(envelope(CREATE, SHELL_BODY))
        self.assertEqual(status, 200, body)
        return re.search(r'Name="ShellId">([^<]+)<', body)[1]

    def test_everything_unauthenticated_is_refused_first_of_all(self):
        for body in (IDENTIFY, envelope(CREATE, SHELL_BODY), "", "no xml"):
            for options in ((), ("-H", "WSMANIDENTIFY: unauthenticated")):
                status, head, answer = self.post(body, *options, user=None)
                self.assertEqual((status, answer), (401, ""))
                self.assertIn('WWW-Authenticate: Basic realm="WSMAN"', head)
                self.assertIn("Content-Length: 0", head)

    def test_wrong_password_and_unknown_user_look_alike(self):
        wrong = self.post(IDENTIFY, user=f"{USER}:wrong")
        unknown = self.post(IDENTIFY, user="nobody:wrong")
        self.assertEqual(wrong[0], 401)
        self.assertEqual(wrong, unknown)

    def test_identify(self):
        status, _, body = self.post(IDENTIFY)
        self.assertEqual(status, 200)
        self.assertIn("IdentifyResponse", body)
        self.assertRegex(body, r"ProductVersion>OS: .* SP: .* Stack: 3.0<")

    def test_bad_xml_is_a_fault_and_the_service_goes_on(self):
        for body in ("<", "<a>", "<a></b>", "\xff\xfe<", "<a/><b/>", "plain text",
                     '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "<a>" * 100 + "</a>" * 100):
            status, _, answer = self.post(body)
            self.assertEqual(status, 500, (body, answer))
            self.assertRegex(answer, r'Code="\d+"')
        self.assertEqual(self.post(IDENTIFY)[0], 200)

    def test_other_media_are_refused(self):
        for media in ("text/plain", "application/json", "multipart/encrypted;boundary=x",
                      "application/soap+xml;charset=ISO-8859-1"):
            status, _, _ = self.post(IDENTIFY, media=media)
            self.assertNotEqual(status, 200, media)

    def test_media_are_read_as_media_types(self):
        for media in ("application/soap+xml", "Application/SOAP+XML; Charset=utf-8",
                      'application/soap+xml ; charset="UTF-8"'):
            self.assertEqual(self.post(IDENTIFY, media=media)[0], 200, media)

    def test_utf16_is_answered_in_utf16(self):
        status, head, _ = self.post(IDENTIFY.encode("utf-16"), media="application/soap+xml;charset=UTF-16")
        self.assertEqual(status, 200)
        self.assertIn("UTF-16", head)

    def test_other_methods_and_paths(self):
        self.assertEqual(self.post(IDENTIFY, "-X", "GET")[0], 405)
        self.assertEqual(self.post(IDENTIFY, url=self.service.url + "/other")[0], 404)
        self.assertEqual(self.post(IDENTIFY, url=self.service.url + "?PSVersion=7.4")[0], 200)
        self.assertEqual(self.post(IDENTIFY, url=self.service.url.replace("wsman", "WSMAN"))[0], 200)

    def test_expect_continue(self):
        self.assertEqual(self.post(IDENTIFY, "-H", "Expect: 100-continue")[0], 200)

    def test_chunked_is_not_supported(self):
        self.assert_fault(self.post(IDENTIFY, "-H", "Transfer-Encoding: chunked"), 50, "w:InternalError")

    def test_a_request_over_the_limit_is_413(self):
        status, _, body = self.post(b"x" * (501 * 1024))
        self.assertEqual((status, body), (413, ""))

    def test_relates_to_echoes_the_message_id(self):
        for message_id in ("uuid:aBcD", "plain", "a&amp;b"):
            _, _, body = self.post(envelope(CREATE, SHELL_BODY, uri="http://unknown", message_id=message_id))
            self.assertIn(f"<a:RelatesTo>{message_id}</a:RelatesTo>", body)

    def test_unknown_resource_action_and_shell(self):
        self.assert_fault(self.post(envelope(CREATE, SHELL_BODY, uri="http://unknown")), 2150858811,
                          "a:DestinationUnreachable")
        self.assert_fault(self.post(envelope("http://unknown", "")), 2150858771, "a:ActionNotSupported")
        self.assert_fault(self.post(envelope(DELETE, "", "5D3C1F60-0000-4000-8000-0000000000FF")),
                          2150858843, "w:InvalidSelectors")

    def test_header_rules(self):
        cases = (('<x:New xmlns:x="urn:x" s:mustUnderstand="true"/>', 2150858768, "s:MustUnderstand"),
                 ("<w:OperationTimeout>60</w:OperationTimeout>", 2150858767, "a:InvalidMessageInformationHeader"),
                 ("<w:MaxEnvelopeSize>8191</w:MaxEnvelopeSize>", 2150858878, "w:EncodingLimit"),
                 ('<w:OptionSet><w:Option Name="NEW" MustComply="true">1</w:Option></w:OptionSet>',
                  2150858834, "w:InvalidOptions"))
        for header, code, subcode in cases:
            answer = self.post(envelope(CREATE, SHELL_BODY, extra=header))
            if subcode == "s:MustUnderstand":
                self.assertIn(f'Code="{code}"', answer[2])
            else:
                self.assert_fault(answer, code, subcode)
        _, _, body = self.post(envelope(CREATE, SHELL_BODY, extra='<x:New xmlns:x="urn:x" mustUnderstand="true"/>'))
        self.assertIn("ResourceCreated", body)

    def test_command_faults(self):
        shell = self.create()

        def command(body, extra=""):
            return self.post(envelope(SHELL_NS + "/Command", body, shell, extra=extra))

        self.assert_fault(command("<rsp:CommandLine><rsp:Command></rsp:Command></rsp:CommandLine>"), 87,
                          "w:InvalidParameter")
        self.assert_fault(command('<rsp:CommandLine CommandId="no guid"><rsp:Command>id</rsp:Command>'
                                  "</rsp:CommandLine>"), 2150859220, "w:InternalError")
        skip = '<w:OptionSet><w:Option Name="WINRS_SKIP_CMD_SHELL">TRUE</w:Option></w:OptionSet>'
        self.assert_fault(command("<rsp:CommandLine><rsp:Command>no-such-program</rsp:Command></rsp:CommandLine>",
                                  skip), 2147942402, "w:InternalError")
        receive = ('<rsp:Receive><rsp:DesiredStream CommandId="5D3C1F60-0000-4000-8000-0000000000CC">stdout'
                   "</rsp:DesiredStream></rsp:Receive>")
        self.assert_fault(self.post(envelope(SHELL_NS + "/Receive", receive, shell)), 2150858843,
                          "w:InvalidSelectors")
        self.assertEqual(self.post(envelope(DELETE, "", shell.lower()))[0], 200)
        self.assert_fault(self.post(envelope(DELETE, "", shell)), 2150858843, "w:InvalidSelectors")

    def test_a_silent_receive_times_out_with_the_word_that_clients_look_for(self):
        shell = self.create()
        _, _, body = self.post(envelope(SHELL_NS + "/Command", "<rsp:CommandLine><rsp:Command>sleep 1000"
                                        "</rsp:Command></rsp:CommandLine>", shell))
        command = re.search(r"<rsp:CommandId>([^<]+)<", body)[1]
        answer = self.post(envelope(
            SHELL_NS + "/Receive", f'<rsp:Receive><rsp:DesiredStream CommandId="{command}">stdout stderr'
            "</rsp:DesiredStream></rsp:Receive>", shell,
            extra="<w:OperationTimeout>PT0.5S</w:OperationTimeout>"))
        self.assert_fault(answer, 2150858793, "w:TimedOut")
        self.assertIn("OperationTimeout", answer[2])
        self.assertEqual(self.post(envelope(DELETE, "", shell))[0], 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
