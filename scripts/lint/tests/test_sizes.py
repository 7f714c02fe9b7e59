import unittest

from lint_test_case import LintTestCase

HEADER = "# list\n"


def function(name, lines):
    return f"int {name}(int x) {{\n" + "  x += 1;\n" * (lines - 2) + "}\n"


class SizesTest(LintTestCase):
    def setUp(self):
        super().setUp()
        self.write("scripts/lint/long_functions.txt", HEADER)

    def test_accepts_a_clean_tree_and_functions_at_the_limit(self):
        self.append("src/wal/log.cc", "namespace a {\nclass B {\n" + function("F", 70) + "};\n}\n")
        self.assert_passes("sizes")

    def test_refuses_a_file_over_800_lines(self):
        self.append("src/wal/log.h", "// line\n" * 800)
        self.assert_fails("sizes", "src/wal/log.h: 805 lines, the limit is 800")

    def test_refuses_many_files_over_500_lines(self):
        self.append("src/wal/log.h", "// line\n" * 600)
        self.assert_fails("sizes", "1 of 4 files have more than 500 lines")

    def test_refuses_a_long_function_with_its_place(self):
        self.append("src/wal/log.cc", "namespace a {\n\n" + function("Reader::Next", 71) + "}\n")
        self.assert_fails("sizes", "src/wal/log.cc:10: Reader::Next has 71 lines, the limit is 70")

    def test_lets_the_list_only_shrink(self):
        self.write("scripts/lint/long_functions.txt", HEADER + "src/wal/log.cc F 80\n")
        self.write("src/wal/log.cc", function("F", 80))
        self.assert_passes("sizes")
        self.write("src/wal/log.cc", function("F", 81))
        self.assert_fails("sizes", "F has 81 lines, the limit is 80")
        self.write("src/wal/log.cc", function("F", 75))
        self.assert_fails("sizes", "F is shorter than the 80 lines listed")
        self.assert_passes("sizes", "--update")
        self.write("src/wal/log.cc", function("F", 20))
        self.assert_fails("sizes", "F is shorter than the 75 lines listed")
        self.assert_passes("sizes", "--update")
        self.assertEqual((self.tree / "scripts/lint/long_functions.txt").read_text(), HEADER)


if __name__ == "__main__":
    unittest.main()
