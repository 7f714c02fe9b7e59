// The example of docs/ingest.md, which quotes it: replaces a range of a database by a table that
// was written outside it, below the directory named on the command line. Exits with 0 if the range
// then holds what the table does.
#include <cstdio>
#include <string>

#include "nokv/db.h"
#include "nokv/sst_writer.h"

namespace {

using nokv::DB;
using nokv::Status;

Status Load(DB& db, const std::string& path, int keys) {
  auto writer = nokv::SstWriter::Create({}, path);
  if (!writer.ok()) return writer.status();
  for (int i = 0; i < keys; i++) {
    char key[32];
    std::snprintf(key, sizeof key, "user/%06d", i);
    const Status added = (*writer)->Put(key, "profile");
    if (!added.ok()) return added;
  }
  const auto table = (*writer)->Finish();
  if (!table.ok()) return table.status();
  nokv::IngestOptions options;
  options.transfer = nokv::IngestOptions::Transfer::kMove;
  options.excise = {"user/", "user0"};  // all that begins with "user/"
  return db.Ingest({table->path}, options);
}

Status Run(const std::string& dir) {
  auto db = DB::Open({}, dir + "/db");
  if (!db.ok()) return db.status();
  for (const int keys : {1000, 10}) {
    const Status loaded = Load(**db, dir + "/users.sst", keys);
    if (!loaded.ok()) return loaded;
  }
  int found = 0;
  const auto it = (*db)->NewIterator();
  for (it->SeekToFirst(); it->Valid(); it->Next()) found++;
  if (found != 10) return Status::Internal(std::to_string(found) + " keys");
  return (*db)->Close();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const Status status = Run(argv[1]);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
