import unittest

from lint_test_case import LintTestCase

VIOLATIONS = [
    ("auto t = std::chrono::steady_clock::now();", "(clock): take a base::Clock&"),
    ("std::thread worker(Run);", "(thread): post a task to runtime::Runtime"),
    ("std::this_thread::sleep_for(x);", "(sleep): use runtime::Runtime::PostAfter"),
    ("std::mt19937 generator;", "(random): take a base::Random&"),
    ("int r = rand();", "(random): take a base::Random&"),
    ("std::ofstream out(path);", "(file): take a vfs::FileSystem&"),
    ("int fd = ::open(path, 0);", "(file): take a vfs::FileSystem&"),
    ("int s = ::socket(1, 2, 3);", "(socket): use the byte streams"),
    ("base::CondVar done_;", "(wait): nothing below the engine's facade waits"),
    ("event->Wait();", "(wait): nothing below the engine's facade waits"),
    ("std::mutex mu_;", "(mutex): use base::Mutex"),
    ('const char* home = getenv("HOME");', "(environment): read it in cli/"),
    ("std::cerr << x;", "(console): return the text"),
    ("std::exit(1);", "(exit): return a Status"),
    ("throw 1;", "(throw): return a Status"),
    ("// TODO: later", "(unfinished): finish it"),
]


class BannedTest(LintTestCase):
    def write_log(self, line):
        self.write("src/wal/log.cc", f"void F() {{\n  {line}\n}}\n")

    def test_accepts_a_clean_tree(self):
        self.assert_passes("banned")

    def test_refuses_each_call_and_names_the_replacement(self):
        for line, message in VIOLATIONS:
            with self.subTest(line):
                self.write_log(line)
                self.assert_fails("banned", "src/wal/log.cc:2: ", message)

    def test_reads_neither_comments_nor_strings_as_calls(self):
        self.write_log('Say("std::thread throw getenv(");  // std::mutex, ::open( and time(0)')
        self.assert_passes("banned")

    def test_takes_no_variable_for_a_call(self):
        self.write_log("base::Random random(1); base::Random rand(2); Time time(now); x.time(0);")
        self.assert_passes("banned")

    def test_allows_each_call_on_its_own_floor(self):
        self.write("src/vfs/posix.cc", "int fd = ::open(path, 0);\n")
        self.write("src/runtime/pool.cc", "std::thread worker(Run);\n")
        self.write("src/redis/wait.cc", "event->Wait();\n")
        self.assert_passes("banned")

    def test_honours_a_waiver_with_a_reason(self):
        self.write_log("std::mutex mu_;  // lint: allow(mutex) a library wants it")
        self.assert_passes("banned")
        self.write_log("// lint: allow(mutex) a library wants it\n  std::mutex mu_;")
        self.assert_passes("banned")
        self.write_log("std::mutex mu_;  // lint: allow(mutex)")
        self.assert_fails("banned", "(mutex)")
        self.write_log("std::mutex mu_;  // lint: allow(clock) another rule")
        self.assert_fails("banned", "(mutex)")

    def test_lets_tests_start_threads_but_not_sleep(self):
        self.write("src/wal/log_test.cc", "std::thread t(F);\n")
        self.assert_passes("banned")
        self.write("src/wal/log_test.cc", "usleep(10);\n")
        self.assert_fails("banned", "(sleep)")

    def test_refuses_iteration_over_hash_maps(self):
        self.write("src/wal/log.h", "#pragma once\nstruct Log {\n"
                   "  std::unordered_map<int, std::string> names_ GUARDED_BY(mu_);\n};\n")
        self.write("src/wal/log.cc", "void Log::F() {\n  for (const auto& [id, name] : names_) Use(id);\n}\n")
        self.assert_fails("banned", "src/wal/log.cc:2", "(hash-order): names_ has no order")
        self.write("src/wal/log.cc", "void Log::F() {\n  // lint: allow(hash-order) a sum has none\n"
                   "  for (const auto& [id, name] : names_) sum += id;\n}\n")
        self.assert_passes("banned")


if __name__ == "__main__":
    unittest.main()
