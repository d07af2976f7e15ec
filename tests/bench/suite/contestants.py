"""Who takes part: finds each contestant's file, installs what it needs and builds it, or says why that cannot be had.

The first comment of a file may have lines `needs:` (Debian packages), `flags:` (what to ask pkg-config for), `link:`
(what to link with), `rust:` (flags) and `cannot:` (kinds of workloads that it is not made for). Rivals are only installed and called. Knows nothing of workloads.
"""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from processes import run

HERE = Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent
WORKER = ("worker", "stream", "trip", "steady", "room")


@dataclass
class Contestant:
    key: str
    source: Path
    name: str = ""
    command: list = field(default_factory=list)
    abilities: dict = field(default_factory=dict)
    reason: str = ""  # why it takes no part
    version: str = ""


class Missing(Exception):
    """It cannot be had here."""


def notes(source):
    """{word: text} of the lines `word: text` in a file's first comment."""
    found = re.findall(r"^\s*(?:\*|//!|//|#)\s*(needs|flags|link|rust|cannot): (.+)$", source.read_text()[:2000], re.M)
    return dict(found)


class Builder:
    """Builds into one directory. install: whether it may install packages."""

    def __init__(self, place, library, install, say):
        self.place, self.library, self.install, self.say = place, library, install, say
        self.place.mkdir(parents=True, exist_ok=True)

    def do(self, *command, **options):
        done = run(command, stderr=subprocess.STDOUT, **options)
        if done.returncode != 0:
            lines = done.stdout.strip().splitlines() or [f"ended with {done.returncode}"]
            named = [line for line in lines if "error" in line.lower()]
            raise Missing(f"{Path(command[0]).name}: {(named or lines)[0 if named else -1].strip()[:200]}")
        return done.stdout

    def cqueue(self):
        """The library, as users build it."""
        if self.library:
            return self.library
        if not shutil.which("cmake"):
            raise Missing("cmake is not there: .ci/setup installs it")
        build = self.place / "library"
        self.do(
            "cmake",
            "-S",
            ROOT,
            "-B",
            build,
            "-DCMAKE_BUILD_TYPE=Release",
            "-DCQUEUE_BUILD_TESTS=OFF",
            "-DCQUEUE_BUILD_TOOLS=OFF",
        )
        self.do("cmake", "--build", build)
        self.library = build / "c" / "libcqueue.a"
        return self.library

    def native(self):
        """What all native contestants are linked with, and the program that measures the line."""
        for name in WORKER:
            self._compile("gcc", HERE / "native" / f"{name}.c", self.place / f"{name}.o", "-c")
        self._compile("gcc", HERE / "native" / "line.c", self.place / "line")
        archive, objects = self.place / "libworker.a", [self.place / f"{name}.o" for name in WORKER]
        if not archive.exists() or archive.stat().st_mtime < max(path.stat().st_mtime for path in objects):
            archive.unlink(missing_ok=True)
            self.do("ar", "rcs", archive, *objects)
        return self.place / "line"

    def packages(self, names):
        """Debian packages."""
        lacking = [name for name in names if subprocess.run(["dpkg", "-s", name], capture_output=True).returncode != 0]
        if not lacking:
            return
        if not shutil.which("apt-get"):
            raise Missing(f"needs {' '.join(lacking)}, and there is no apt-get")
        if not self.install:
            raise Missing(f"needs {' '.join(lacking)}, and nothing may be installed (--no-install)")
        root = [] if os.getuid() == 0 else ["sudo", "--non-interactive"]
        self.say(f"installing {' '.join(lacking)}")
        try:
            self.do(
                *root,
                "env",
                "DEBIAN_FRONTEND=noninteractive",
                "apt-get",
                "install",
                "--yes",
                "--no-install-recommends",
                *lacking,
            )
        except Missing:
            run([*root, "apt-get", "update"], stderr=subprocess.DEVNULL)
            self.do(
                *root,
                "env",
                "DEBIAN_FRONTEND=noninteractive",
                "apt-get",
                "install",
                "--yes",
                "--no-install-recommends",
                *lacking,
            )

    def program(self, source):
        """Of a contestant in C or C++."""
        says = notes(source)
        needed = says.get("needs", "").split()
        self.packages(needed)
        flags, link = [], says.get("link", "").split()
        if "flags" in says:
            flags = self.do("pkg-config", "--cflags", *says["flags"].split()).split()
            link += self.do("pkg-config", "--libs", *says["flags"].split()).split()
        if source.stem == "cqueue":
            link = [self.cqueue()]
        made = self.place / source.stem
        self._compile(
            "g++" if source.suffix == ".cpp" else "gcc",
            source,
            made,
            *flags,
            "-L",
            self.place,
            "-lworker",
            *link,
            "-pthread",
        )
        return [made], self._versions(needed)

    def crate(self, source):
        """Of a contestant in Rust."""
        if not shutil.which("cargo"):
            raise Missing("cargo is not there: .ci/setup installs it")
        says = notes(source)
        self.packages(says.get("needs", "").split())
        clang = next((name for name in says.get("needs", "").split() if name.startswith("clang-")), None)
        compilers = {"CC": clang, "CXX": clang.replace("clang", "clang++")} if clang else {}
        # It uses what a Rust newer than this one has by default: `rust:` says how this one may have it too.
        flags = {"RUSTC_BOOTSTRAP": "1", "RUSTFLAGS": says["rust"]} if "rust" in says else {}
        target = self.place / ("cargo-with-flags" if flags else "cargo")
        offline = [] if self.install else ["--offline"]
        self.do(
            "cargo",
            "build",
            "--release",
            "--locked",
            "--ignore-rust-version",
            "--quiet",
            *offline,
            "--features",
            source.stem,
            "--bin",
            source.stem,
            "--manifest-path",
            HERE / "rust" / "Cargo.toml",
            env={
                **os.environ,
                **compilers,
                **flags,
                "CARGO_TARGET_DIR": str(target),
                "BENCH_WORKER": str(self.place.resolve()),
            },
        )
        manifest = (HERE / "rust" / "Cargo.toml").read_text()
        crate = re.search(rf'^{source.stem} = \["dep:([^"]+)"', manifest, re.M).group(1)
        version = re.search(rf'^{crate} = {{ version = "=([^"]+)"', manifest, re.M).group(1)
        return [target / "release" / source.stem], f"{crate} {version}"

    def jar(self, source):
        """Of a contestant in Java."""
        for tool in ("javac", "mvn"):
            if not shutil.which(tool):
                raise Missing(f"{tool} is not there: .ci/setup installs it")
        pom = HERE / "java" / "pom.xml"
        jars = self.place.resolve() / "jars"
        if not (jars / "complete").exists():
            offline = [] if self.install else ["--offline"]
            self.do(
                "mvn",
                "--quiet",
                "--batch-mode",
                *offline,
                "--file",
                pom,
                "dependency:copy-dependencies",
                "-DincludeScope=runtime",
                f"-DoutputDirectory={jars}",
            )
            (jars / "complete").touch()
        classes = self.place.resolve() / f"{source.stem}.classes"
        self.do(
            "javac",
            "-nowarn",
            "-proc:none",
            "--release",
            "17",
            "-cp",
            f"{jars}/*",
            "-d",
            classes,
            *(HERE / "java").glob("*.java"),
            source,
        )
        opens = [
            word
            for package in (
                "java.lang",
                "java.lang.reflect",
                "java.io",
                "java.util",
                "sun.nio.ch",
                "jdk.internal.misc",
                "jdk.internal.ref",
                "java.nio",
            )
            for word in (
                f"--add-opens=java.base/{package}=ALL-UNNAMED",
                f"--add-exports=java.base/{package}=ALL-UNNAMED",
            )
        ]
        compiler = "jdk.compiler/com.sun.tools.javac"
        opens += [
            f"--add-opens={compiler}.file=ALL-UNNAMED",
            f"--add-opens={compiler}.util=ALL-UNNAMED",
            f"--add-exports={compiler}.file=ALL-UNNAMED",
        ]
        versions = [
            jar.stem
            for jar in jars.glob("*.jar")
            if jar.stem.startswith(("aeron-client", "chronicle-queue")) and source.stem.lower() in jar.stem
        ]
        return [
            "java",
            "-XX:+UseSerialGC",
            "-XX:-UsePerfData",
            "-Dchronicle.analytics.disable=true",
            "-Dchronicle.disk.monitor.disable=true",
            *opens,
            "-cp",
            f"{classes}:{jars}/*",
            "bench.Worker",
            f"bench.{source.stem}",
        ], " ".join(versions)

    @staticmethod
    def _versions(packages):
        shown = []
        for name in packages:
            if name.endswith("-dev"):
                query = subprocess.run(["dpkg-query", "-W", "-f=${Version}", name], capture_output=True, text=True)
                shown.append(f"{name} {query.stdout}")
        return ", ".join(shown)

    def _compile(self, compiler, source, made, *more):
        newest = max(
            path.stat().st_mtime
            for path in (source, *(HERE / "native").iterdir(), *([Path(self.library)] if self.library else []))
        )
        if made.exists() and made.stat().st_mtime > newest and made.suffix == ".o":
            return
        standard = "-std=c++17" if source.suffix == ".cpp" else "-std=gnu11"
        self.do(
            compiler, standard, "-O2", "-I", HERE / "native", "-I", ROOT / "c" / "include", source, "-o", made, *more
        )


def describe(contestant):
    done = run([*contestant.command, "describe"], stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise Missing("does not run: " + (done.stderr.strip().splitlines() or ["no message"])[-1][:200])
    contestant.abilities = json.loads(done.stdout)
    contestant.abilities.setdefault("cannot", notes(contestant.source).get("cannot", "").split())
    contestant.name = contestant.abilities["name"]


def known(folders):
    """The keys of all contestants."""
    return sorted(
        source.stem.lower() for folder in folders for source in Path(folder).iterdir() if source.suffix in KINDS
    )


def find(builder, folders, only):
    """All contestants of the folders; those that cannot be had say why."""
    every = known(folders)
    unknown = set(only) - set(every)
    if unknown:
        raise SystemExit(
            f"tests/bench/run: there is no contestant {', '.join(sorted(unknown))}; there are {', '.join(every)}"
        )
    made = []
    for folder in folders:
        for source in sorted(path for path in Path(folder).iterdir() if path.suffix in KINDS):
            contestant = Contestant(source.stem.lower(), source)
            if only and contestant.key not in only:
                continue
            try:
                builder.say(f"building {contestant.key}")
                contestant.command, contestant.version = KINDS[source.suffix](builder, source)
                describe(contestant)
            except Missing as missing:
                contestant.name = contestant.name or contestant.key
                contestant.reason = str(missing)
            made.append(contestant)
    return sorted(made, key=lambda contestant: (contestant.key != "cqueue", contestant.name.lower()))


KINDS = {".c": Builder.program, ".cpp": Builder.program, ".rs": Builder.crate, ".java": Builder.jar}
