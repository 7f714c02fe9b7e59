// The example of docs/transactions.md, which quotes it: transfers between accounts, by two threads,
// in the directory named on the command line. Exits with 0 if no money came or went.
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>

#include "nokv/db.h"

namespace {

using nokv::DB;
using nokv::Isolation;
using nokv::Status;
using nokv::StatusCode;

int64_t Amount(const std::optional<nokv::Value>& value) {
  return value.has_value() ? std::stoll(value->data) : 0;
}

Status Transfer(DB& db, const std::string& from, const std::string& to, int64_t amount) {
  for (;;) {
    const auto txn = db.BeginTransaction({.isolation = Isolation::kSerializable});
    const auto source = txn->Get(from);
    const auto target = txn->Get(to);
    if (!source.ok()) return source.status();
    if (!target.ok()) return target.status();
    if (Amount(*source) < amount) return Status::FailedPrecondition(from + " has too little");
    Status status = txn->Put(from, std::to_string(Amount(*source) - amount));
    if (status.ok()) status = txn->Put(to, std::to_string(Amount(*target) + amount));
    if (status.ok()) status = txn->Commit({.sync = true});
    if (status.code() != StatusCode::kAborted) return status;
  }
}

Status Run(const std::string& path) {
  auto db = DB::Open({}, path);
  if (!db.ok()) return db.status();
  Status status = (*db)->Delete({}, "bob");
  if (status.ok()) status = (*db)->Put({}, "alice", "100");
  if (!status.ok()) return status;
  Status there, back;
  std::thread thread([&] {
    for (int i = 0; i < 20 && there.ok(); i++) there = Transfer(**db, "alice", "bob", 2);
  });
  for (int i = 0; i < 20; i++) {
    back = Transfer(**db, "bob", "alice", 1);
    // Bob may have nothing yet.
    if (!back.ok() && back.code() != StatusCode::kFailedPrecondition) break;
  }
  thread.join();
  if (!there.ok()) return there;
  if (!back.ok() && back.code() != StatusCode::kFailedPrecondition) return back;
  const auto alice = (*db)->Get({}, "alice"), bob = (*db)->Get({}, "bob");
  if (!alice.ok() || !bob.ok()) return Status::Internal("the accounts cannot be read");
  const int64_t sum = Amount(*alice) + Amount(*bob);
  if (sum != 100) return Status::Internal("the sum is " + std::to_string(sum));
  return (*db)->Close();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const Status status = Run(argv[1]);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
