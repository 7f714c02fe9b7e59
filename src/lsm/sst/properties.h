// The properties block: what a table says about itself, as named values. Readers ignore names they
// do not know, so that names can be added within a format version. Internal to lsm/sst.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lsm/sst/table_builder.h"

namespace nokv::lsm::internal {

struct Properties {
  TableSummary summary;  // file_bytes is not stored: the file has it
  uint64_t file_number = 0;
  uint64_t level = 0;
  std::string compression;
  std::string filter;  // "none" or the name of the filter's format
  std::string engine_version;
  std::string comparator;    // only of an external table
  std::string range_filter;  // its format; empty if there is none
};

std::string EncodeProperties(const Properties& properties);
// False if the block is malformed or a required name is missing.
bool DecodeProperties(std::string_view contents, Properties* properties);
// For people: names and values, bytes escaped.
std::vector<std::pair<std::string, std::string>> ListProperties(const Properties& properties);

}  // namespace nokv::lsm::internal
