"""dead_files, blobs, planted, format and shell: checks that look at files one by one."""
import unittest

from lint_test_case import LintTestCase


class DeadFilesTest(LintTestCase):
    def setUp(self):
        super().setUp()
        self.write("README.md", "[docs](docs/README.md), see scripts/lint/layers.txt\n")
        self.write("docs/README.md", "[start](start.md#top)\n")
        self.write("docs/start.md", "Hello.\n")

    def test_accepts_a_clean_tree(self):
        self.assert_passes("dead_files")

    def test_refuses_a_source_in_no_target(self):
        self.write("src/wal/old.cc", "\n")
        self.assert_fails("dead_files", "src/wal/old.cc: is in no CMakeLists.txt")

    def test_refuses_a_script_that_nothing_names(self):
        self.write("scripts/dev/forgotten.sh", "\n")
        self.assert_fails("dead_files", "scripts/dev/forgotten.sh: is named by no other file")

    def test_refuses_a_page_that_nothing_links(self):
        self.write("docs/lost.md", "Hello.\n")
        self.assert_fails("dead_files", "docs/lost.md: is not reached from docs/README.md")

    def test_refuses_a_broken_link(self):
        self.write("docs/start.md", "[gone](gone.md)\n")
        self.assert_fails("dead_files", "docs/start.md: its link to gone.md leads nowhere")


class PlantedTest(LintTestCase):
    def plant(self, text):
        self.write("tests/planted/bugs.txt", f"bug: b\nfile: src/base/bytes.cc\n{text}\n====\nother\n")

    def test_refuses_a_bug_whose_text_is_not_there_once(self):
        self.plant("int Size() { return 1; }")
        self.assert_passes("planted")
        self.plant("int Size() { return 2; }")
        self.assert_fails("planted", "the text of 'b' is 0 times in src/base/bytes.cc")
        self.plant("namespace nokv::base {")
        self.append("src/base/bytes.cc", "namespace nokv::base {\n}\n")
        self.assert_fails("planted", "the text of 'b' is 2 times")


class BlobsTest(LintTestCase):
    def test_refuses_a_large_file_only(self):
        self.write("src/wal/testdata/a.bin", "x" * 256 * 1024)
        self.assert_passes("blobs")
        self.write("src/wal/testdata/a.bin", "x" * (256 * 1024 + 1))
        self.assert_fails("blobs", "src/wal/testdata/a.bin: 262145 bytes, the limit is 262144")

    def test_refuses_a_binary_file_only(self):
        self.write("src/wal/testdata/a.txt", "caf\u00e9\n")
        self.assert_passes("blobs")
        self.write("src/wal/testdata/a.txt", "text\0")
        self.assert_fails("blobs", "src/wal/testdata/a.txt: is binary")


class FormatTest(LintTestCase):
    def test_refuses_what_clang_format_would_change_and_can_fix_it(self):
        self.write(".clang-format", "BasedOnStyle: Google\n")
        self.assert_passes("format")
        self.append("src/wal/log.cc", "int  x=1 ;\n")
        self.assert_fails("format", "src/wal/log.cc: is not formatted: run make format")
        self.assert_passes("format", "--write")
        self.assert_passes("format")


class ShellTest(LintTestCase):
    def test_accepts_a_clean_script(self):
        self.write("scripts/a.sh", '#!/usr/bin/env bash\nset -euo pipefail\necho "$1"\n')
        self.assert_passes("shell")

    def test_refuses_what_shellcheck_refuses(self):
        self.write("scripts/a.sh", "#!/usr/bin/env bash\nset -euo pipefail\necho $1\n")
        self.assert_fails("shell", "scripts/a.sh:3", "SC2086")

    def test_refuses_a_script_without_strict_mode(self):
        self.write(".ci/run", "#!/usr/bin/env bash\necho hello\n")
        self.assert_fails("shell", ".ci/run: add set -euo pipefail")


if __name__ == "__main__":
    unittest.main()
