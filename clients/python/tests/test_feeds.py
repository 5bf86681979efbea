"""How streams are taken up where they broke off: what a server says, and what of it is new."""

from __future__ import annotations

import unittest
from collections.abc import Iterable
from typing import Any

from runlane.feeds import BatchFeed, FileFeed, JobFeed
from runlane.v1 import execution_pb2 as pb
from runlane.v1 import types_pb2

RUNNING = types_pb2.JOB_STATUS_RUNNING
SUCCEEDED = types_pb2.JOB_STATUS_SUCCEEDED


def told(id: str, **event: Any) -> pb.WatchResponse:
    return pb.WatchResponse(event=pb.Event(id=id, **event))


def take(feed: Any, messages: Iterable[Any]) -> list[Any]:
    return [item for message in messages for item in feed.take(message)]


class JobFeedTest(unittest.TestCase):
    def test_a_run_is_asked_for_again_until_its_job_is_known(self) -> None:
        run = pb.RunRequest(idempotency_key="k")
        feed = JobFeed(run=run)
        self.assertEqual([feed.next_request() for _ in range(2)], [("Run", run)] * 2)
        take(feed, [pb.RunResponse(job=pb.Job(id="j")), pb.RunResponse(event=pb.Event(id="1-2", stdout=b"a"))])
        self.assertEqual(feed.next_request(), ("Watch", pb.WatchRequest(job_id="j", after_event_id="1-2")))

    def test_what_has_no_ids_is_told_once(self) -> None:
        replay = [
            told("", status=SUCCEEDED),
            told("", stdout=b"a"),
            told("", stderr=b"b"),
            told("1-9", result=pb.Job()),
        ]
        feed = JobFeed(job_id="j")
        kinds = []
        for broken_after in (2, 1, 3, 4):
            self.assertEqual(feed.next_request()[1].after_event_id, "")
            kinds += [event.type for event in take(feed, replay[:broken_after])]
        self.assertEqual(kinds, ["status", "stdout", "stderr", "result"])

    def test_a_new_attempt_begins_its_text_anew(self) -> None:
        feed = JobFeed(job_id="j")
        messages = [told("1-2", stdout=b"\xc3"), told("2-1", status=RUNNING), told("2-2", stdout=b"a")]
        self.assertEqual([event.text for event in take(feed, messages) if event.type == "stdout"], ["", "a"])

    def test_what_a_newer_server_tells_is_passed_over(self) -> None:
        feed = JobFeed(job_id="j")
        self.assertEqual(take(feed, [told("1-2"), pb.RunResponse()]), [])
        self.assertEqual([event.status for event in take(feed, [told("1-3", status=99)])], ["unknown"])
        self.assertEqual(feed.next_request()[1].after_event_id, "1-3")


class OtherFeedsTest(unittest.TestCase):
    def test_a_batch_tells_each_job_once(self) -> None:
        ended = [pb.WatchBatchResponse(job_ended=pb.BatchJobEnded(index=index)) for index in range(3)]
        progress = pb.WatchBatchResponse(progress=pb.BatchProgress(total=3, finished=2))
        feed = BatchFeed("b")
        events = take(feed, [*ended[:2], progress])
        feed.next_request()
        events += take(feed, [*ended, progress, pb.WatchBatchResponse(done=pb.Batch(id="b"))])
        self.assertEqual([event.type for event in events], ["job", "job", "progress", "job", "done"])

    def test_a_file_tells_each_byte_once_however_it_is_cut(self) -> None:
        feed = FileFeed("j", "a")
        taken = b""
        for chunks in ([b"abc", b"d"], [b"ab"], [b"a", b"bcdef"], [b"abcdefg", b"h"]):
            feed.next_request()
            taken += b"".join(take(feed, [pb.ReadFileResponse(chunk=chunk) for chunk in chunks]))
        self.assertEqual(taken, b"abcdefgh")


if __name__ == "__main__":
    unittest.main()
