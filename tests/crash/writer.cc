// crash_writer DIR SEED: writes the batches of workload.h, several threads at once, to the database
// in DIR, from where it ends until it is killed. Standard output gets one Acknowledgement per
// acknowledged batch, and before them one for batch 0, when the database is about to be opened.
#include <unistd.h>

#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "base/macros.h"
#include "base/random.h"
#include "nokv/db.h"
#include "workload.h"

namespace nokv::crash {
namespace {

Status Report(const Acknowledgement& acknowledgement) {
  if (::write(STDOUT_FILENO, &acknowledgement, sizeof(acknowledgement)) !=
      sizeof(acknowledgement)) {
    return Status::Unavailable("the recorder is gone");
  }
  return Status::Ok();
}

Status WriteBatchNumber(DB& db, const WriteOptions& options, uint32_t thread, uint32_t number) {
  if (EntryCount(number) == 0 && TrimmedTo(number) == 0) {
    return db.Put(options, LastKey(thread), std::to_string(number));
  }
  WriteBatch batch;
  for (uint32_t entry = 0; entry < EntryCount(number); entry++) {
    batch.Put(EntryKey(thread, number, entry), EntryValue(thread, number, entry));
  }
  if (const uint32_t low = TrimmedTo(number); low != 0) {
    batch.DeleteRange(BatchPrefix(thread, 0), BatchPrefix(thread, low));
    batch.Put(LowKey(thread), std::to_string(low));
  }
  batch.Put(LastKey(thread), std::to_string(number));
  return db.Write(options, std::move(batch));
}

Status WriteForever(DB& db, uint32_t thread, uint64_t seed) {
  base::Random random(base::MixSeed(seed + thread));
  ASSIGN_OR_RETURN(uint32_t number, ReadNumber(db, LastKey(thread)));
  while (true) {
    number++;
    WriteOptions options;
    options.sync = random.OneIn(20);
    RETURN_IF_ERROR(WriteBatchNumber(db, options, thread, number));
    RETURN_IF_ERROR(Report({thread, number}));
  }
}

int Run(const std::string& dir, uint64_t seed) {
  if (!Report({}).ok()) return 1;
  auto db = DB::Open(SmallOptions(), dir);
  if (!db.ok()) {
    std::fprintf(stderr, "%s\n", db.status().ToString().c_str());
    return 1;
  }
  std::vector<std::thread> threads;
  for (uint32_t thread = 0; thread < kThreads; thread++) {
    threads.emplace_back([&, thread] {
      const Status status = WriteForever(**db, thread, seed);
      std::fprintf(stderr, "thread %u: %s\n", thread, status.ToString().c_str());
    });
  }
  for (std::thread& thread : threads) thread.join();
  return 1;  // a writer ends by being killed, or it failed
}

}  // namespace
}  // namespace nokv::crash

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: crash_writer DIR SEED\n");
    return 2;
  }
  return nokv::crash::Run(argv[1], std::stoull(argv[2]));
}
