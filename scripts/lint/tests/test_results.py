"""count_tests.py: what counts as passed and failed."""
import pathlib
import subprocess
import tempfile
import unittest

COUNT = pathlib.Path(__file__).resolve().parents[2] / "lib" / "count_tests.py"
GTEST_PASS = '<testcase name="A" status="run" result="completed"/>'
GTEST_FAIL = '<testcase name="B" status="run" result="completed"><failure/></testcase>'
GTEST_SKIP = '<testcase name="C" status="run" result="skipped"><skipped/></testcase>'


class CountTest(unittest.TestCase):
    def count(self, ctest, **gtest):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "gtest").mkdir()
            (folder / "ctest.xml").write_text(f"<testsuite>{ctest}</testsuite>")
            for binary, cases in gtest.items():
                (folder / "gtest" / f"{binary}.xml").write_text(
                    f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
            return subprocess.run([str(COUNT), name], capture_output=True, text=True,
                                  check=True).stdout.strip()

    def test_counts_the_tests_inside_a_binary_and_leaves_out_the_skipped(self):
        self.assertEqual(self.count('<testcase name="x" status="run"/>',
                                    x=GTEST_PASS + GTEST_PASS + GTEST_SKIP), "2 passed, 0 failed")

    def test_counts_failures(self):
        self.assertEqual(self.count('<testcase name="x" status="fail"><failure/></testcase>',
                                    x=GTEST_PASS + GTEST_FAIL), "1 passed, 1 failed")

    def test_counts_another_program_as_one(self):
        self.assertEqual(self.count('<testcase name="y" status="run"/>'
                                    '<testcase name="z" status="fail"><failure/></testcase>'),
                         "1 passed, 1 failed")

    def test_tells_a_skipped_test_from_one_whose_program_is_missing(self):
        self.assertEqual(self.count(
            '<testcase name="x" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/></testcase>'
            '<testcase name="y" status="disabled"/>'
            '<testcase name="z" status="notrun"><skipped message="Unable to find executable"/></testcase>'),
                         "0 passed, 1 failed")

    def test_counts_a_binary_that_died_as_a_failure(self):
        died = '<testcase name="x" status="fail"><failure/></testcase>'
        self.assertEqual(self.count(died), "0 passed, 1 failed")
        self.assertEqual(self.count(died, x=GTEST_PASS), "1 passed, 1 failed")


if __name__ == "__main__":
    unittest.main()
