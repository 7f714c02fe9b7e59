"""headers, thread_safety, link and tidy: checks that ask a compiler."""
import unittest

from lint_test_case import LintTestCase

UNLOCKED = """
struct __attribute__((capability("mutex"))) Mutex {};
struct Counter {
  int Get() { return value_; }
  Mutex mu_;
  int value_ __attribute__((guarded_by(mu_))) = 0;
};
int Use(Counter& counter) { return counter.Get(); }
"""


class CompiledTest(LintTestCase):
    def setUp(self):
        super().setUp()
        self.copy_build()

    def test_headers_accepts_a_clean_tree(self):
        self.assert_passes("headers")

    def test_headers_refuses_one_that_leans_on_its_includer(self):
        self.write("src/wal/log.h", "#pragma once\nnamespace nokv::wal {\nstd::string Name();\n}\n")
        self.assert_fails("headers", "src/wal/log.h:3: does not compile alone")

    def test_headers_refuses_one_without_a_guard(self):
        self.write("src/wal/log.h", "int Length();\n")
        self.assert_fails("headers", "src/wal/log.h: has no #pragma once")

    def test_thread_safety_accepts_a_clean_tree(self):
        self.assert_passes("thread_safety")

    def test_thread_safety_refuses_an_unlocked_read(self):
        self.append("src/wal/log.cc", UNLOCKED)
        self.assert_fails("thread_safety", "src/wal/log.cc:11", "requires holding mutex 'mu_'")

    def test_link_accepts_a_clean_tree(self):
        self.assert_passes("link")

    def test_link_refuses_a_call_into_a_module_that_is_not_named(self):
        self.write("src/lsm/CMakeLists.txt", "nokv_module(NAME lsm SOURCES a.cc DEPS base)\n")
        self.write("src/lsm/a.cc", "namespace nokv::wal {\nint Length();\n}\n"
                   "int Upward() { return nokv::wal::Length(); }\n")
        self.assert_fails("link", "src/lsm/CMakeLists.txt: lsm does not link with its DEPS alone",
                          "nokv::wal::Length()")

    def test_cmake_refuses_a_dependency_on_a_later_module(self):
        self.write("src/base/CMakeLists.txt", "nokv_module(NAME base SOURCES bytes.cc DEPS wal)\n")
        code, output = self.run_check("headers")
        self.assertEqual(code, 1)
        self.assertIn("names wal in DEPS, which is no module below it", " ".join(output.split()))

    def test_tidy_refuses_a_violation_in_a_changed_file(self):
        self.copy(".clang-tidy")
        self.write(".gitignore", "/build/\n")
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("commit", "-qm", "clean")
        self.assert_passes("tidy")
        self.append("src/wal/log.cc", "\nint Long(int x) {\n" + "  ++x;\n" * 75 + "  return x;\n}\n")
        self.assert_fails("tidy", "src/wal/log.cc:9", "readability-function-size")


if __name__ == "__main__":
    unittest.main()
