// sample_directory DIR: makes a small database that has a file of every kind with something in it:
// tables in more than one level, and log segments that must be replayed. It holds key0000 to
// key0999, each with its own name, 20 times over, as value.
#include <cstdio>
#include <string>

#include "base/macros.h"
#include "nokv/db.h"

namespace {

nokv::Status Fill(nokv::DB& db, int begin, int end) {
  for (int i = begin; i < end; i++) {
    const std::string digits = std::to_string(i);
    const std::string key = "key" + std::string(4 - digits.size(), '0') + digits;
    std::string value;
    for (int copy = 0; copy < 20; copy++) value += key;
    RETURN_IF_ERROR(db.Put({}, key, value));
  }
  return nokv::Status::Ok();
}

nokv::Status MakeDirectory(const std::string& dir) {
  nokv::Options options;
  options.error_if_exists = true;
  options.log_segment_bytes = 64 << 10;
  ASSIGN_OR_RETURN(const auto db, nokv::DB::Open(options, dir));
  RETURN_IF_ERROR(Fill(*db, 0, 500));
  RETURN_IF_ERROR(db->CompactRange("", ""));
  RETURN_IF_ERROR(Fill(*db, 500, 700));
  RETURN_IF_ERROR(db->Flush());
  RETURN_IF_ERROR(Fill(*db, 700, 1000));
  return db->Close();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: sample_directory DIR\n");
    return 2;
  }
  const nokv::Status status = MakeDirectory(argv[1]);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
