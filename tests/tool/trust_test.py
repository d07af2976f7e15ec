"""Queues of other users: who may use them, and by saying what."""

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import unittest

from support import CQ, ERROR, NOTHING, OK, USAGE, PATIENCE, CommandTest, Result, main

OWNER, OTHER, GROUP = 1, 65534, 54321


@unittest.skipIf(os.geteuid() != 0, "only root can be several users")
class TrustTest(CommandTest):
    def setUp(self):
        super().setUp()
        os.chmod(self.directory, 0o1777)
        place = tempfile.mkdtemp(prefix="cqtest-tool-")
        self.addCleanup(shutil.rmtree, place)
        os.chmod(place, 0o755)
        self.command = shutil.copy(CQ, place) # where all users find it

    def run_as(self, user, *words, groups=(), code=OK, stdin=b""):
        done = subprocess.run([self.command, *self.arguments(words)[1:]], user=user, group=user, extra_groups=groups, input=stdin,
                              capture_output=True, timeout=PATIENCE, check=False)
        result = Result(done.returncode, done.stdout, done.stderr)
        self.assertEqual(result.code, code, result.err)
        return result

    def test_a_queue_of_a_group_is_its_owners_and_its_members(self):
        self.run_as(OWNER, "create", "q", "--group", GROUP, groups=[GROUP])
        status = os.stat(self.path())
        self.assertEqual((status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)), (OWNER, GROUP, 0o660))
        error = self.run_as(OTHER, "put", "q", groups=[GROUP], code=ERROR, stdin=b"x\n").err
        self.assertRegex(error, "user 1 and group 54321.*if you trust its owner and group .*--trust")
        self.assertIn("; user 1 is " + pwd.getpwuid(OWNER).pw_name, error)
        self.run_as(OTHER, "put", "q", "--trust", groups=[GROUP], stdin=b"x\n")
        self.assertEqual(self.run_as(OWNER, "get", "q").out, b"x\n")
        self.run_as(OWNER, "put", "q", stdin=b"y\n")
        self.assertEqual(self.run_as(OTHER, "get", "q", "--trust", groups=[GROUP]).out, b"y\n")
        self.assertIn("not in group 54321", self.run_as(OTHER, "get", "q", "--trust", code=ERROR).err)

    def test_root_looks_and_drains_but_puts_only_what_is_meant(self):
        self.run_as(OWNER, "create", "q")
        self.run_as(OWNER, "put", "q", stdin=b"1\n2\n")
        self.assertEqual(self.run_cq("peek", "q").lines, ["1", "2"])
        self.assertEqual(self.stat()["length"], 2)
        self.assertEqual(self.run_cq("ls", "--json").json[0]["length"], 2)
        self.assertIn("is healthy", self.run_cq("doctor", "q").out.decode())
        self.assertEqual(self.run_cq("get", "q").out, b"1\n")
        self.assertIn("--trust", self.run_cq("put", "q", stdin=b"3\n", code=ERROR).err)
        self.run_cq("put", "q", "--trust", stdin=b"3\n")
        self.assertIn("2 messages wait in it", self.run_cq("rm", "q", code=ERROR).err)
        self.run_cq("get", "q", "--all")
        self.run_cq("rm", "q")

    def test_what_everybody_may_write_is_trusted_by_nobody(self):
        self.run_as(OWNER, "create", "q")
        os.chmod(self.path(), 0o666)
        for words in [("get", "q"), ("put", "q", "--trust"), ("stat", "q")]:
            self.assertIn("chmod o-w " + self.path(), self.run_cq(*words, code=ERROR).err)

    def test_a_strangers_queue_says_how_to_share_it(self):
        self.run_cq("create", "q")
        self.assertIn("cq create --group", self.run_as(OWNER, "put", "q", "--trust", code=ERROR, stdin=b"x\n").err)
        self.assertIn("only its owner may remove", self.run_as(OWNER, "rm", "q", "--force", code=ERROR).err)

    def test_a_group_that_the_creator_is_not_in_leaves_nothing(self):
        self.assertIn("must be in the group", self.run_as(OWNER, "create", "q", "--group", GROUP, code=ERROR).err)
        self.assertEqual(os.listdir(self.directory), [])

    def test_a_queue_that_exists_is_not_given_to_a_group(self):
        self.run_cq("create", "q")
        error = self.run_cq("create", "q", "--group", GROUP, code=ERROR).err
        self.assertRegex(error, r"exists, with group 0 and permissions 0600: run chgrp 54321 \S+, then chmod 0660 ")
        os.chown(self.path(), 0, GROUP)
        os.chmod(self.path(), 0o660)
        self.run_cq("create", "q", "--group", GROUP)
        self.run_cq("create", "q", "--group", GROUP, "--exclusive", code=ERROR)
        self.run_cq("create", "r", "--group", GROUP, "--permissions", "0640")
        self.assertEqual(stat.S_IMODE(os.stat(self.path("r")).st_mode), 0o640)
        self.run_cq("create", "s", "--group", "no such group", code=USAGE)


if __name__ == "__main__":
    main()
