"""`cq stat --csv` and `cq plot`: figures over time, and their picture."""

import csv
import os
import re
import xml.etree.ElementTree as xml

from support import ERROR, USAGE, CommandTest, main


class PlotTest(CommandTest):
    def lines_of(self, picture):
        return [len(line.get("points").split()) for line in xml.fromstring(picture).iter("{http://www.w3.org/2000/svg}polyline")]

    def test_csv_has_every_figure_and_rates_from_the_second_look_on(self):
        self.create(capacity=5)
        self.put(b"1", b"2")
        rows = list(csv.DictReader(self.run_cq("stat", "q", "--csv", "--watch", "20ms", "-n", 2).out.decode().splitlines()))
        self.assertEqual([(row["name"], row["length"], row["capacity"]) for row in rows], [("q", "2", "5")] * 2)
        self.assertEqual([row["enqueued_per_second"] for row in rows], ["", "0.0"])
        self.assertLess(float(rows[0]["time"]), float(rows[1]["time"]))
        stats = self.stat()
        left_out = {"file", "handles", "id", "disk_error", "dead_letter", "dead_letter_result"}
        self.assertEqual(set(rows[0]) - {"time", "enqueued_per_second", "dequeued_per_second"}, set(stats) - left_out)

    def test_draws_a_line_for_length_and_one_for_each_rate(self):
        self.create()
        recorded = self.run_cq("stat", "q", "--csv", "--watch", "5ms", "-n", 4).out
        picture = self.run_cq("plot", "-", stdin=recorded).out
        self.assertEqual(self.lines_of(picture), [4, 3, 3])
        self.assertIn(b"q: messages waiting, of 66k", picture)

    def test_reads_standard_input_by_itself_and_says_what_it_drew(self):
        self.create()
        recorded = self.run_cq("stat", "q", "--csv").out
        self.assertEqual(self.run_cq("plot", stdin=recorded).out, self.run_cq("plot", "-", stdin=recorded).out)
        file = os.path.join(self.directory, "picture.svg")
        self.assertEqual(self.run_cq("plot", "--output", file, "--json", stdin=recorded).json, {"file": file, "queues": ["q"]})
        self.assertTrue(os.path.exists(file))
        for words in [("--json",), ("--json", "--output", "-")]:
            self.assertIn("--output", self.run_cq("plot", *words, code=USAGE, stdin=recorded).err)

    def test_a_higher_length_is_drawn_higher(self):
        head = "name,time,length,capacity,enqueued_per_second,dequeued_per_second\n"
        picture = self.run_cq("plot", "-", stdin=(head + "q,1,0,10,,\nq,2,10,10,5,0\nq,3,5,10,0,5\n").encode()).out.decode()
        points = re.search(r'points="([^"]*)"', picture).group(1).split()
        heights = [float(point.split(",")[1]) for point in points]
        self.assertEqual(heights, [heights[1] + 130, heights[1], heights[1] + 65])

    def test_watches_and_draws_at_once(self):
        self.create("a")
        self.create("b")
        file = os.path.join(self.directory, "picture.svg")
        self.run_cq("stat", "a", "b", "--plot", file, "--watch", "5ms", "-n", 3)
        with open(file, "rb") as opened:
            self.assertEqual(self.lines_of(opened.read()), [3, 2, 2] * 2)

    def test_says_what_is_wrong_with_a_file(self):
        for text, complaint in [(b"", "is empty"), (b"a,b\n1,2\n", 'no column "name"'), (b"time,name\n", "no line of figures"),
                                (b"name,time,length,capacity,enqueued_per_second,dequeued_per_second\nq,x,1,1,1,1\n",
                                 'line 2: "x" is not a number'),
                                (b"name,time,length,capacity,enqueued_per_second,dequeued_per_second\nq,1\n", "line 2: there are too few")]:
            with self.subTest(complaint):
                self.assertIn(complaint, self.run_cq("plot", "-", code=ERROR, stdin=text).err)
        self.assertIn("No such file", self.run_cq("plot", "/nope", code=ERROR).err)


if __name__ == "__main__":
    main()
