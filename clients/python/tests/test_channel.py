"""What a server sees of a client that has a key and comes over TLS; the server here knows one method."""

from __future__ import annotations

import subprocess
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from both import open_async, open_sync

from runlane import Retry, RunlaneError
from runlane.v1 import execution_pb2 as pb
from runlane.v1 import execution_pb2_grpc


class Languages(execution_pb2_grpc.ExecutionServiceServicer):
    def __init__(self) -> None:
        self.seen: list[dict[str, str]] = []

    def ListLanguages(self, request: Any, context: Any) -> Any:
        self.seen.append(dict(context.invocation_metadata()))
        return pb.ListLanguagesResponse(languages=[pb.Language(name="x" * 5_000_000)])


def make_certificate() -> tuple[bytes, bytes]:
    """A key, and a certificate of itself for localhost."""
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = Path(folder, "key"), Path(folder, "certificate")
        what = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
        names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
        subprocess.run(["openssl", *what, *names], check=True, capture_output=True)
        return key.read_bytes(), certificate.read_bytes()


class ChannelTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        key, cls.certificate = make_certificate()
        cls.service = Languages()
        cls.server = grpc.server(ThreadPoolExecutor(), options=[("grpc.max_send_message_length", -1)])
        execution_pb2_grpc.add_ExecutionServiceServicer_to_server(cls.service, cls.server)
        credentials = grpc.ssl_server_credentials([(key, cls.certificate)])
        cls.target = f"localhost:{cls.server.add_secure_port('localhost:0', credentials)}"
        cls.server.start()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.server.stop(None)

    def test_a_key_goes_with_every_call_and_messages_may_be_large(self) -> None:
        tls = grpc.ssl_channel_credentials(self.certificate)
        for open in (open_sync, open_async):
            with open(self.target, tls=tls, api_key="secret") as client:
                self.assertEqual(len(client.languages()[0].name), 5_000_000)
                self.assertEqual(self.service.seen[-1]["authorization"], "Bearer secret")
                self.assertIn("runlane-python", self.service.seen[-1]["user-agent"])

    def test_a_server_that_no_authority_knows_is_not_spoken_to(self) -> None:
        before = len(self.service.seen)
        for open in (open_sync, open_async):
            with open(self.target, tls=True, api_key="secret", retry=Retry(give_up_after=0)) as client:
                with self.assertRaises(RunlaneError) as caught:
                    client.languages()
                self.assertEqual(caught.exception.code, "UNAVAILABLE")
        self.assertEqual(len(self.service.seen), before)

    def test_options_go_before_those_of_the_client(self) -> None:
        tls = grpc.ssl_channel_credentials(self.certificate)
        options = {"grpc.max_receive_message_length": 1000}
        with open_sync(self.target, tls=tls, options=options) as client, self.assertRaises(RunlaneError) as caught:
            client.languages()
        self.assertEqual((caught.exception.code, caught.exception.retryable), ("RESOURCE_EXHAUSTED", False))


if __name__ == "__main__":
    unittest.main()
