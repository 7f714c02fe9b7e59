// Output: the formats in which every reading command prints its results.
//
//   table   for people: aligned columns, or the text of the command
//   json    one document, indented
//   jsonl   one object to a line
//   csv     RFC 4180, with a header
//   raw     bytes as they are, columns between tabs, no header
//
// Thread safety: thread-compatible.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "cli/flags.h"
#include "nokv/status.h"

namespace nokv::cli {

struct OutputOptions {
  std::string format = "table";
  bool json = false;  // --json, the short form of --output json
  bool no_header = false;
  std::string columns = {};  // a choice and an order, comma-separated; empty: all
  std::string sort = {};     // a column, behind a dash from large to small; empty: as they come

  // True if rows are asked for where the table is a text.
  bool AsRows() const { return !columns.empty() || !sort.empty(); }
  bool Is(std::string_view name) const { return (json ? "json" : format) == name; }
};

// Declares --output, --json, --no-header and --columns. `columns` are those of the command.
void DefineOutput(FlagSet& flags, OutputOptions* target, std::vector<std::string> columns);

// Declares --sort, for commands whose rows are few: all of them are held to sort them.
void DefineSort(FlagSet& flags, OutputOptions* target, std::vector<std::string> columns);

// A field of a row.
struct Cell {
  enum class Kind { kText, kNumber, kBytes, kNone };

  static Cell Text(std::string text) { return {Kind::kText, std::move(text)}; }
  static Cell Number(uint64_t number) { return {Kind::kNumber, std::to_string(number)}; }
  // A key or a value: {"utf8": …} or {"b64": …} in JSON, the notation of cli/bytes.h in tables.
  static Cell Bytes(std::string_view bytes) { return {Kind::kBytes, std::string(bytes)}; }
  static Cell None() { return {Kind::kNone, ""}; }

  Kind kind;
  std::string text;
};

// Prints rows as they come, unless they are sorted. Tables hold back the first rows to find how
// wide the columns are.
class RowWriter {
 public:
  // Names of columns are the keys of JSON objects; tables show them in capitals.
  RowWriter(std::ostream& out, const OutputOptions& options, std::vector<std::string> columns);
  ~RowWriter() { Finish(); }
  RowWriter(const RowWriter&) = delete;
  RowWriter& operator=(const RowWriter&) = delete;

  // One cell for each column.
  void Row(const std::vector<Cell>& cells);
  // Prints what is held back and what ends the document. Idempotent.
  void Finish();

 private:
  void Print(const std::vector<Cell>& cells);
  void PrintSorted();
  void PrintHeader();
  void PrintLine(const std::vector<std::string>& fields);
  void PrintHeld();

  std::ostream& out_;
  const OutputOptions options_;
  std::vector<std::string> names_;  // of the columns chosen
  std::vector<size_t> chosen_;      // their positions in a row
  size_t sorted_by_ = 0;            // the position of the column to sort by, if there is one
  std::vector<std::vector<Cell>> unsorted_;
  std::vector<std::vector<std::string>> held_;
  std::vector<size_t> widths_;
  bool measured_ = false;
  bool finished_ = false;
  uint64_t rows_ = 0;
};

// Prints a JSON document: as it is, on one line, or as rows of name and value, names being paths
// with dots; `text` is its table, unless columns or an order are asked for.
void PrintDocument(std::ostream& out, const OutputOptions& options, const std::string& json,
                   const std::string& text);
// The columns of PrintDocument.
std::vector<std::string> DocumentColumns();

}  // namespace nokv::cli
