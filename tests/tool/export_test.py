"""`cq export`: what monitoring reads, checked by those that read it; and the dashboard and rules that go with it."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import unittest
import urllib.request

from support import ERROR, PATIENCE, ROOT, USAGE, CommandTest, main

try:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families
    from prometheus_client.parser import text_string_to_metric_families as text_string_to_metric_families_0_0_4
except ImportError:
    text_string_to_metric_families = None

try:
    import yaml
except ImportError:
    yaml = None

MONITORING = os.path.join(ROOT, "c/tools/monitoring")
PROMTOOL = shutil.which("promtool")


class ExportTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.create("a", capacity=10)
        self.create("b")
        self.put(b"1", b"2", queue="a")

    def names(self):
        return set(re.findall(r"^(cqueue_\w+)\{", self.run_cq("export").out.decode(), re.MULTILINE))

    def serve(self):
        export = self.start_cq("export", "--listen", "127.0.0.1:0", stdout=subprocess.PIPE, bufsize=0)
        return export, self.read_line(export.stdout).decode().strip()

    def fetch(self, url, accept="*/*"):
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept}), timeout=PATIENCE) as answer:
            return answer.headers["Content-Type"], answer.read().decode()

    def test_every_queue_has_its_figures(self):
        text = self.run_cq("export").out.decode()
        for line in ['cqueue_length_messages{queue="a"} 2', 'cqueue_length_messages{queue="b"} 0', 'cqueue_capacity_messages{queue="a"} 10',
                     'cqueue_enqueued_messages_total{queue="a"} 2', 'cqueue_up{queue="a"} 1']:
            self.assertIn("\n" + line + "\n", text)
        self.assertTrue(text.endswith("\n# EOF\n"))

    def test_one_that_cannot_be_read_is_down(self):
        with open(self.path("bad"), "wb") as file:
            file.write(b"nothing" * 100)
        text = self.run_cq("export").out.decode()
        self.assertIn('cqueue_up{queue="bad"} 0\n', text)
        self.assertNotIn('length_messages{queue="bad"}', text)

    @unittest.skipUnless(text_string_to_metric_families, "no prometheus_client")
    def test_is_openmetrics(self):
        families = {family.name: family for family in text_string_to_metric_families(self.run_cq("export").out.decode())}
        self.assertEqual(families["cqueue_enqueued_messages"].type, "counter")
        self.assertEqual({sample.labels["queue"]: sample.value for sample in families["cqueue_length_messages"].samples}, {"a": 2, "b": 0})

    @unittest.skipUnless(PROMTOOL, "no promtool")
    def test_promtool_finds_nothing_wrong(self):
        checked = subprocess.run([PROMTOOL, "check", "metrics"], input=self.run_cq("export", "--prometheus").out, capture_output=True,
                                 check=False)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, b""))

    def test_serves_each_the_format_it_asks_for(self):
        export, url = self.serve()
        kind, text = self.fetch(url, "application/openmetrics-text;version=1.0.0")
        self.assertTrue(kind.startswith("application/openmetrics-text; version=1.0.0"))
        self.assertIn("# TYPE cqueue_enqueued_messages counter\n", text)
        kind, text = self.fetch(url)
        self.assertTrue(kind.startswith("text/plain; version=0.0.4"))
        self.assertIn("# TYPE cqueue_enqueued_messages_total counter\n", text)
        self.put(b"3", queue="b")
        self.assertIn('cqueue_length_messages{queue="b"} 1\n', self.fetch(url)[1])
        export.terminate()
        self.assertEqual(export.wait(PATIENCE), -signal.SIGTERM)

    def test_strange_clients_disturb_nobody(self):
        _, url = self.serve()
        port = int(url.split(":")[2].split("/")[0])
        for sent in [b"", b"\n\n", b"GET", b"GET /metrics HTTP/1.1\r\n", b"x" * 100000, b"POST /metrics HTTP/1.1\r\n\r\n",
                     b"GET /nothing HTTP/1.0\r\n\r\n", b"GET /metrics HTTP/1.0\r\n\r\n"]:
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(sent)
        with socket.create_connection(("127.0.0.1", port)):
            self.assertIn("cqueue_up", self.fetch(url)[1])
        with self.assertRaisesRegex(Exception, "404"):
            self.fetch(url.replace("metrics", "other"))

    def test_a_file_is_replaced_whole(self):
        file = os.path.join(self.directory, "cqueue.prom")
        export = self.start_cq("export", "--textfile", file, "--every", "10ms")
        self.until(lambda: os.path.exists(file))
        for _ in range(50):
            with open(file, encoding="ascii") as opened:
                self.assertIn("cqueue_max_held_messages", opened.read())
        export.send_signal(signal.SIGINT)
        self.assertEqual(export.wait(PATIENCE), -signal.SIGINT)

    @unittest.skipUnless(text_string_to_metric_families, "no prometheus_client")
    def test_the_older_format_is_what_its_parser_reads(self):
        text = self.run_cq("export", "--prometheus").out.decode()
        self.assertNotIn("# EOF", text)
        self.assertIn("# TYPE cqueue_enqueued_messages_total counter\n", text)
        samples = {(sample.name, sample.labels["queue"]): sample.value for family in text_string_to_metric_families_0_0_4(text)
                   for sample in family.samples}
        self.assertEqual(samples["cqueue_enqueued_messages_total", "a"], 2)
        self.assertEqual(samples["cqueue_up", "b"], 1)

    def test_every_prints_again_and_again_what_is_true_then(self):
        for words, end in [([], b"# EOF\n"), (["--prometheus"], b'cqueue_trimmed_bytes_total{queue="b"} 0\n'), (["--json"], b"]\n")]:
            with self.subTest(words):
                export = self.start_cq("export", *words, "--every", "10ms", stdout=subprocess.PIPE, bufsize=0)
                first = self.read_until(export, end)
                self.put(b"x", queue="b")
                length = self.stat("b")["length"]
                now = f'"length": {length},' if "--json" in words else f'cqueue_length_messages{{queue="b"}} {length}\n'
                self.assertNotIn(now.encode(), first)
                self.until(lambda: now.encode() in self.read_until(export, end))
                export.stdout.close() # as head does
                self.assertEqual(export.wait(PATIENCE), -signal.SIGPIPE)

    def read_until(self, export, end):
        said = b""
        while not said.endswith(end):
            said += self.read_line(export.stdout)
        return said

    def test_bad_addresses_are_refused(self):
        for address in ["", "9717", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", ":9717"]:
            with self.subTest(address):
                self.run_cq("export", f"--listen={address}" if address else "--listen=", code=USAGE)
        _, url = self.serve()
        self.assertIn("cannot listen", self.run_cq("export", "--listen", url.split("/")[2], code=ERROR).err)

    def test_the_dashboard_and_the_rules_ask_for_what_there_is(self):
        with open(os.path.join(MONITORING, "grafana-dashboard.json"), encoding="utf-8") as file:
            dashboard = json.load(file)
        queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
        self.assertGreater(len(queries), 5)
        with open(os.path.join(MONITORING, "alerts.yml"), encoding="utf-8") as file:
            rules = file.read()
        asked = set(re.findall(r"\bcqueue_\w+", " ".join(queries) + " ".join(variable["query"] for variable in dashboard["templating"]["list"])
                                              + " ".join(re.findall(r"expr: (.*)", rules))))
        self.assertEqual(asked - self.names(), set())

    @unittest.skipUnless(yaml, "no yaml")
    def test_the_rules_are_yaml_with_a_query_each(self):
        with open(os.path.join(MONITORING, "alerts.yml"), encoding="utf-8") as file:
            rules = [rule for group in yaml.safe_load(file)["groups"] for rule in group["rules"]]
        self.assertGreater(len(rules), 3)
        for rule in rules:
            self.assertTrue(rule["alert"] and rule["expr"] and rule["annotations"]["summary"])

    @unittest.skipUnless(PROMTOOL, "no promtool")
    def test_promtool_loads_the_rules_and_they_fire(self):
        for command in [["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]]:
            checked = subprocess.run([PROMTOOL, *command], cwd=MONITORING, capture_output=True, text=True, check=False)
            self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)


if __name__ == "__main__":
    main()
