// A writer process is killed at random moments, again and again on one directory, while this
// process records what it acknowledged. After each kill everything acknowledged must be there,
// synced or not: only the process died. NOKV_CRASH_ROUNDS and NOKV_CRASH_SEED ask for more and for
// others; a failure names both.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "base/random.h"
#include "nokv/db.h"
#include "workload.h"

extern char** environ;

namespace nokv::crash {
namespace {

using Counts = std::array<uint32_t, kThreads>;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoull(text);
}

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "nokv_crash_XXXXXX").string();
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    path_ = pattern;
  }
  ~TempDir() {
    if (!testing::Test::HasFailure()) std::filesystem::remove_all(path_);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// The writer process and the pipe on which it acknowledges.
class Writer {
 public:
  Writer(const std::string& dir, uint64_t seed) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    pipe_ = ends[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::string program = NOKV_CRASH_WRITER;
    std::string dir_argument = dir;
    std::string seed_argument = std::to_string(seed);
    char* arguments[] = {program.data(), dir_argument.data(), seed_argument.data(), nullptr};
    EXPECT_EQ(posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
  }
  ~Writer() { close(pipe_); }

  // The next acknowledgement; false if the pipe is at its end, or none came in `wait_ms`.
  bool Next(Acknowledgement* acknowledgement, int wait_ms) {
    pollfd readable{pipe_, POLLIN, 0};
    if (poll(&readable, 1, wait_ms) <= 0) return false;
    return read(pipe_, acknowledgement, sizeof(*acknowledgement)) == sizeof(*acknowledgement);
  }

  // False if it had ended before, by itself.
  bool Kill() {
    kill(pid_, SIGKILL);
    int status = 0;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }

 private:
  int pipe_ = -1;
  pid_t pid_ = -1;
};

// One life of the writer. In one of four rounds it is killed while it opens the directory, else
// once it has acknowledged so much. Returns how many acknowledgements there were.
uint64_t WriteUntilKilled(const std::string& dir, base::Random* random, Counts* acknowledged) {
  constexpr int kPatienceMs = 30000;
  Writer writer(dir, random->Next());
  Acknowledgement got;
  EXPECT_TRUE(writer.Next(&got, kPatienceMs)) << "the writer did not start";
  const uint64_t target = random->OneIn(4) ? 0 : 1 + random->Uniform(3000);
  uint64_t count = 0;
  const auto record = [&] {
    EXPECT_EQ(got.batch, std::max((*acknowledged)[got.thread] + 1, got.batch));
    (*acknowledged)[got.thread] = got.batch;
    count++;
  };
  if (target == 0) {
    const int wait_ms = static_cast<int>(random->Uniform(15));
    if (writer.Next(&got, wait_ms)) record();
  }
  while (count < target && writer.Next(&got, kPatienceMs)) record();
  EXPECT_GE(count, target) << "the writer stopped acknowledging";
  EXPECT_TRUE(writer.Kill()) << "the writer ended by itself";
  while (writer.Next(&got, 0)) record();  // what was on its way
  return count;
}

// Compares the entries of `thread` with what its last and low keys say.
void CheckThread(DB& db, uint32_t thread, uint32_t acknowledged) {
  const auto last = ReadNumber(db, LastKey(thread));
  const auto low = ReadNumber(db, LowKey(thread));
  ASSERT_TRUE(last.ok()) << last.status().ToString();
  ASSERT_TRUE(low.ok()) << low.status().ToString();
  ASSERT_GE(*last, acknowledged) << "thread " << thread << " lost acknowledged batches";
  IteratorOptions options;
  options.lower_bound = BatchPrefix(thread, 0);
  options.upper_bound = LastKey(thread);
  const auto found = db.NewIterator(options);
  found->SeekToFirst();
  for (uint32_t batch = std::max(*low, uint32_t{1}); batch <= *last; batch++) {
    for (uint32_t entry = 0; entry < EntryCount(batch); entry++) {
      ASSERT_TRUE(found->Valid()) << "thread " << thread << " ends before batch " << batch << "; "
                                  << found->status().ToString();
      ASSERT_EQ(found->key(), EntryKey(thread, batch, entry)) << "a hole, or a torn batch";
      ASSERT_TRUE(found->value() == EntryValue(thread, batch, entry)) << found->key();
      found->Next();
    }
  }
  EXPECT_FALSE(found->Valid()) << found->key() << " is of no batch up to " << *last;
  EXPECT_TRUE(found->status().ok()) << found->status().ToString();
  const auto newest = db.Get({}, EntryKey(thread, *last, 0));
  ASSERT_TRUE(newest.ok()) << newest.status().ToString();
  EXPECT_EQ(newest->has_value(), EntryCount(*last) > 0);
}

void CheckDirectory(const std::string& dir, bool read_only, const Counts& acknowledged) {
  Options options = SmallOptions();
  options.read_only = read_only;
  auto db = DB::Open(options, dir);
  if (read_only && db.status().IsNotFound()) {
    // Killed before it had created anything.
    EXPECT_EQ(acknowledged, Counts{});
    return;
  }
  ASSERT_TRUE(db.ok()) << db.status().ToString();
  for (uint32_t thread = 0; thread < kThreads; thread++) {
    CheckThread(**db, thread, acknowledged[thread]);
  }
  EXPECT_TRUE((*db)->Close().ok());
}

TEST(CrashTest, KilledWriterLosesNothingThatItAcknowledged) {
  const uint64_t seed = FromEnvironment("NOKV_CRASH_SEED", 1);
  const uint64_t rounds = FromEnvironment("NOKV_CRASH_ROUNDS", 16);
  const TempDir dir;
  base::Random random(base::MixSeed(seed));
  Counts acknowledged{};
  uint64_t total = 0;
  for (uint64_t round = 0; round < rounds && !HasFailure(); round++) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", round " + std::to_string(round) + ", in " +
                 dir.path());
    total += WriteUntilKilled(dir.path(), &random, &acknowledged);
    // A look that changes nothing leaves the recovery proper to the next writer.
    CheckDirectory(dir.path(), /*read_only=*/true, acknowledged);
    if (random.OneIn(2)) CheckDirectory(dir.path(), /*read_only=*/false, acknowledged);
  }
  ASSERT_FALSE(HasFailure());
  EXPECT_GT(total, 100 * rounds) << "too little was written to prove anything";
  auto db = DB::Open(SmallOptions(), dir.path());
  ASSERT_TRUE(db.ok()) << db.status().ToString();
  const ManifestStats manifest = (*db)->Manifest();
  ASSERT_FALSE(manifest.levels.empty()) << "nothing was flushed";
  EXPECT_GT(manifest.levels.back().level, 0) << "nothing was compacted";
}

}  // namespace
}  // namespace nokv::crash
