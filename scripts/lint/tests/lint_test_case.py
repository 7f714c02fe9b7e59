"""Runs a check on a small tree made for the test."""
import pathlib
import shutil
import subprocess
import tempfile
import unittest

LINT = pathlib.Path(__file__).resolve().parents[1]
ROOT = LINT.parents[1]

# A clean tree: two modules, one on the other.
CLEAN = {
    "scripts/lint/layers.txt": "0 base | the ground\n1 wal | the log\n1 lsm | the tables\n",
    "src/base/CMakeLists.txt": "nokv_module(NAME base HEADERS bytes.h SOURCES bytes.cc)\n",
    "src/base/bytes.h": "#pragma once\n\nnamespace nokv::base {\nint Size();\n}  // namespace nokv::base\n",
    "src/base/bytes.cc": '#include "base/bytes.h"\n\nnamespace nokv::base {\nint Size() { return 1; }\n'
                         "}  // namespace nokv::base\n",
    "src/wal/CMakeLists.txt": "nokv_module(NAME wal HEADERS log.h SOURCES log.cc DEPS base)\n",
    "src/wal/log.h": "#pragma once\n\nnamespace nokv::wal {\nint Length();\n}  // namespace nokv::wal\n",
    "src/wal/log.cc": '#include "wal/log.h"\n\n#include "base/bytes.h"\n\nnamespace nokv::wal {\n'
                      "int Length() { return base::Size(); }\n}  // namespace nokv::wal\n",
}


class LintTestCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="nokv-lint-")
        self.addCleanup(folder.cleanup)
        self.tree = pathlib.Path(folder.name).resolve()
        for path, text in CLEAN.items():
            self.write(path, text)

    def write(self, path, text):
        file = self.tree / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def append(self, path, text):
        self.write(path, (self.tree / path).read_text() + text)

    def copy(self, *paths):
        """Copies files or folders of the real repository into the tree."""
        for path in paths:
            target = self.tree / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / path).is_dir():
                shutil.copytree(ROOT / path, target)
            else:
                shutil.copy(ROOT / path, target)

    def copy_build(self):
        """Makes the tree one that CMake can build."""
        self.copy("CMakeLists.txt", "CMakePresets.json", "cmake")

    def git(self, *arguments):
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", str(self.tree),
                        *arguments], check=True, capture_output=True)

    def run_check(self, name, *arguments):
        result = subprocess.run([str(LINT / f"{name}.py"), "--root", str(self.tree), *arguments],
                                capture_output=True, text=True, check=False, timeout=240)
        return result.returncode, result.stdout + result.stderr

    def assert_passes(self, name, *arguments):
        code, output = self.run_check(name, *arguments)
        self.assertEqual((code, output), (0, ""))

    def assert_fails(self, name, *messages):
        code, output = self.run_check(name)
        self.assertEqual(code, 1, output)
        for message in messages:
            self.assertIn(message, output)
