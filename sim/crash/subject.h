// Subject: what crash enumeration runs and cuts: a workload over a file system that knows what it
// has promised so far.
//
// Thread safety: thread-compatible; one thread runs it all.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "vfs/vfs.h"

namespace nokv::sim {

// How a process ended.
enum class Ending { kKill, kPowerLoss };

class Subject {
 public:
  virtual ~Subject() = default;
  // Runs `ops` operations. Stops early at the first violation.
  virtual void Run(uint64_t ops) = 0;
  // The first promise that was seen broken; empty if none was.
  virtual const std::string& violation() const = 0;
  virtual uint64_t operations_done() const = 0;
  // Those that answered with an error, as they may if the file system does.
  virtual uint64_t operations_failed() const = 0;
  // Hash over the order of its tasks.
  virtual uint64_t TraceHash() const = 0;
  // Opens `disk`, which is what is left after the process has ended now; returns the first promise
  // that is broken, empty if none is. May be called in the middle of Run, from the file system.
  virtual std::string CheckRemains(vfs::FileSystem& disk, Ending ending) const = 0;
};

// The file system is borrowed.
using MakeSubject = std::function<std::unique_ptr<Subject>(uint64_t seed, vfs::FileSystem& fs)>;

}  // namespace nokv::sim
