"""Headers of messages: written and shown by cq, and kept by whatever carries messages on, or it says that it cannot."""

import base64
import json
import os

from support import ERROR, NOTHING, USAGE, CommandTest, main

HEADERS = {"type": "text/plain", "key": "ümläut", "bytes": {"base64": base64.b64encode(b"\xff\x00").decode()}, "empty": ""}


class HeadersTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.create("a", max_headers="1K")

    def put_lines(self, *lines, queue="a"):
        self.run_cq("put", queue, "--json", stdin=b"".join(json.dumps(line).encode() + b"\n" for line in lines))

    def put_both(self):
        self.put_lines({"text": "with", "headers": HEADERS}, {"text": "without"})

    def shown(self, queue):
        lines = self.run_cq("peek", queue, "--all", "--json").json_lines
        return [(line["text"], line.get("headers")) for line in lines]

    def assert_both(self, queue):
        self.assertEqual(self.shown(queue), [("with", HEADERS), ("without", None)])

    def test_are_written_on_the_command_line(self):
        self.run_cq("put", "a", "--header", "type=text/plain", "-H", "equals=a=b", stdin=b"one\ntwo\n")
        headers = {"type": "text/plain", "equals": "a=b"}
        self.assertEqual(self.shown("a"), [("one", headers), ("two", headers)])
        text = json.dumps(headers, separators=(",", ":"))
        self.assertEqual(self.run_cq("get", "a", "--headers").out.decode(), f"{text}\tone\n")
        position, deliveries, rest = self.run_cq("get", "a", "--meta", "--headers").out.decode().split("\t", 2)
        self.assertEqual((deliveries, rest), ("1", f"{text}\ttwo\n"))
        self.assertTrue(position.isdigit())

    def test_are_shown_as_none_where_there_are_none(self):
        self.create("plain")
        for queue in ["a", "plain"]:
            self.put(b"x", queue=queue)
            self.assertEqual(self.run_cq("peek", queue, "--headers").out, b"{}\tx\n")
            self.assertEqual(self.shown(queue), [("x", None)])

    def test_what_get_prints_is_what_put_takes(self):
        self.put_both()
        self.assert_both("a")
        self.create("b", max_headers="1K")
        self.run_cq("put", "b", "--json", stdin=self.run_cq("get", "a", "--all", "--json").out)
        self.assert_both("b")

    def test_go_with_a_message_that_is_moved_or_copied_or_resized(self):
        self.put_both()
        self.create("b", max_headers="1K")
        self.create("c", max_headers="1K")
        self.run_cq("copy", "a", "b")
        self.assert_both("b")
        self.run_cq("move", "a", "c")
        self.assert_both("c")
        self.run_cq("resize", "c", "--capacity", 77)
        self.assert_both("c")

    def test_a_queue_without_room_for_them_refuses_the_message(self):
        self.create("plain")
        self.create("narrow", max_headers=8)
        self.put_both()
        size = self.headers_size()
        for queue, complaint in [("plain", "it takes no headers"), ("narrow", "it takes at most 8 bytes of headers")]:
            for command in [["move", "a", queue], ["copy", "a", queue]]:
                error = self.run_cq(*command, code=ERROR).err
                self.assertIn(f'"{queue}": {complaint}, and this message has {size} bytes of them', error)
                self.assertIn("--without-headers; 0 messages were ", error)
            lines = self.run_cq("peek", "a", "--all", "--json").out
            error = self.run_cq("put", queue, "--json", stdin=lines, code=ERROR).err
            self.assertIn(complaint, error)
            self.assertIn("nothing was put", error)
            self.assertEqual(self.stat(queue)["length"], 0)
        self.assert_both("a")
        self.assertIn("takes no headers", self.run_cq("put", "plain", "-H", "a=b", stdin=b"x\n", code=ERROR).err)

    def headers_size(self):
        sizes = [len(key.encode()) + 3 for key in HEADERS]
        return sum(sizes) + len("text/plain") + len("ümläut".encode()) + 2

    def test_are_left_out_when_asked(self):
        self.create("plain")
        self.put_both()
        lines = self.run_cq("peek", "a", "--all", "--json").out
        self.run_cq("copy", "a", "plain", "--without-headers")
        self.run_cq("put", "plain", "--json", "--without-headers", stdin=lines)
        self.run_cq("move", "a", "plain", "--without-headers")
        self.assertEqual(self.shown("plain"), [("with", None), ("without", None)] * 3)

    def test_bad_ones_are_refused_before_anything_is_put(self):
        for words, complaint in [
            (["-H", "novalue"], "not KEY=VALUE"), (["-H", "=x"], "1 to 255 bytes"), (["-H", "a=1", "-H", "a=2"], "twice"),
            (["-H", "k" * 256 + "=x"], "1 to 255 bytes"), (["-H", "a=" + "x" * 65536], "longer than 65535"),
            (["-H", "a=b", "--json"], "--json"), (["--without-headers"], "--json")]:
            self.assertIn(complaint, self.run_cq("put", "a", *words, stdin=b"x\n", code=USAGE).err)
        for headers, complaint in [
            (["a"], '"headers" that are no object'), ({"a": 1}, 'a header "a" that is no string'),
            ({"a": {"base64": "?"}}, 'a header "a" that is not base64'), ({"": "x"}, "1 to 255 bytes"),
            ({"a": "x" * 1100}, "at most 1024 bytes of headers")]:
            line = json.dumps({"text": "x", "headers": headers}).encode() + b"\n"
            self.assertIn(complaint, self.run_cq("put", "a", "--json", stdin=line, code=ERROR).err)
        self.assertEqual(self.stat("a")["length"], 0)

    def test_wait_for_room_with_their_message(self):
        self.create("small", capacity=1, max_headers="1K")
        self.put_lines({"text": "first", "headers": HEADERS}, queue="small")
        line = json.dumps({"text": "second", "headers": HEADERS}).encode()
        self.run_cq("put", "small", "--json", "--no-wait", stdin=line, code=NOTHING)
        self.run_cq("put", "small", "--json", "--wait", "20ms", stdin=line, code=NOTHING)
        put = self.start_cq("put", "small", "--json", stdin=-1)
        put.stdin.write(line)
        put.stdin.close()
        self.until(lambda: self.stat("small")["waiting_producers"] > 0)
        self.assertEqual(self.run_cq("get", "small").out, b"first\n")
        self.assertEqual(put.wait(100), 0)
        self.assertEqual(self.shown("small"), [("second", HEADERS)])

    def test_go_to_the_dead_letters_and_to_commands(self):
        self.put_lines({"text": "bad", "headers": {"type": "poison"}})
        self.create("dead", max_headers="1K")
        seen = os.path.join(self.directory, "seen")
        self.run_cq("work", "a", "--dead-letter", "dead", "--max-deliveries", 1, "--count", 1, "--",
                    "sh", "-c", f'printf %s "$CQ_HEADERS" > {seen}; exit 1', code=NOTHING)
        with open(seen, encoding="utf-8") as file:
            self.assertEqual(json.load(file), {"type": "poison"})
        self.assertEqual(self.shown("dead"), [("bad", {"type": "poison"})])
        self.create("plain")
        self.assertIn("cannot be its dead-letter queue", self.run_cq("work", "a", "--dead-letter", "plain", "--", "true",
                                                                     code=ERROR).err)

    def test_backups_keep_them_and_sources_and_what_the_queue_is(self):
        self.run_cq("create", "x", "--quiet", "--max-headers", "500", "--max-deliveries", 1, "--dead-letter", "a",
                    "--time-to-live", "1h", "--exclusive-consumer")
        self.put_lines({"text": "bad", "headers": {"type": "poison"}}, {"text": "good", "headers": HEADERS}, queue="x")
        self.run_cq("work", "x", "--count", 1, "--", "false", code=NOTHING) # bad goes to a, of which x is a source now
        self.put_both()
        kept = ["max_headers", "max_deliveries", "dead_letter", "time_to_live", "exclusive_consumer", "enqueue_times"]
        for queue in ["a", "x"]:
            backup = self.run_cq("backup", queue, "-").out
            restored = "new" + queue
            self.run_cq("restore", "-", restored, stdin=backup)
            self.assertEqual(self.shown(restored), self.shown(queue))
            before, after = self.stat(queue), self.stat(restored)
            self.assertEqual({key: after[key] for key in kept}, {key: before[key] for key in kept})
            again = self.run_cq("backup", restored, "-").out
            heads = [json.loads(text.splitlines()[0]) for text in (backup, again)]
            self.assertEqual(heads[0]["sources"], heads[1]["sources"])
            self.assertEqual(len(heads[0]["sources"]), 1 if queue == "a" else 0)
        self.assertEqual(self.shown("a")[1:], [("with", HEADERS), ("without", None)])
        text, headers = self.shown("a")[0]
        self.assertEqual((text, headers["type"], headers["cq-dead-letter"]), ("bad", "poison", "deliveries"))


if __name__ == "__main__":
    main()
