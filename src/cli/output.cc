#include "cli/output.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/bytes.h"
#include "cli/text.h"
#include "config/suggest.h"

namespace nokv::cli {

namespace {

using Json = nlohmann::ordered_json;

// Rows that a table looks at before it prints.
constexpr size_t kMeasuredRows = 256;

std::vector<std::string> SplitColumns(const std::string& text) {
  std::vector<std::string> names;
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t comma = std::min(text.find(',', begin), text.size());
    names.push_back(text.substr(begin, comma - begin));
    begin = comma + 1;
  }
  return names;
}

Json ToJson(const Cell& cell) {
  switch (cell.kind) {
    case Cell::Kind::kText:
      return cell.text;
    case Cell::Kind::kNumber:
      return Json::parse(cell.text, nullptr, false);
    case Cell::Kind::kBytes:
      break;
    case Cell::Kind::kNone:
      return nullptr;
  }
  const JsonBytes bytes = BytesForJson(cell.text);
  return {{bytes.notation, bytes.text}};
}

std::string ToText(const Cell& cell, const OutputOptions& options) {
  return cell.kind == Cell::Kind::kBytes && !options.Is("raw") ? FormatBytes(cell.text) : cell.text;
}

std::string CsvField(const std::string& text) {
  if (text.find_first_of("\",\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

std::string Upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

void Flatten(const Json& json, const std::string& path, RowWriter* rows) {
  if (!json.is_structured()) {
    const std::string text = json.is_string() ? json.get<std::string>() : json.dump();
    rows->Row(
        {Cell::Text(path), Cell{json.is_number() ? Cell::Kind::kNumber : Cell::Kind::kText, text}});
    return;
  }
  size_t index = 0;
  for (const auto& [key, child] : json.items()) {
    const std::string name = json.is_array() ? std::to_string(index++) : key;
    Flatten(child, path.empty() ? name : path + "." + name, rows);
  }
}

}  // namespace

namespace {

std::string JoinColumns(const std::vector<std::string>& columns) {
  std::string names;
  for (const std::string& column : columns) names += (names.empty() ? "" : ",") + column;
  return names;
}

Status CheckColumn(const char* flag, const std::string& name,
                   const std::vector<std::string>& columns) {
  if (std::find(columns.begin(), columns.end(), name) != columns.end()) return Status::Ok();
  const std::string nearest = config::Suggest(name, columns);
  const Status status = Status::InvalidArgument(std::string(flag) + " " + Quoted(name) +
                                                " is not one of " + JoinColumns(columns));
  return nearest.empty() ? status : status.WithHint("did you mean " + nearest + "?");
}

// The column of --sort, without the dash.
std::string SortColumn(const OutputOptions& options) {
  return options.sort.substr(options.sort.starts_with('-') ? 1 : 0);
}

// Numbers by their value, before everything else.
bool Less(const Cell& a, const Cell& b) {
  const bool a_number = a.kind == Cell::Kind::kNumber;
  const bool b_number = b.kind == Cell::Kind::kNumber;
  if (a_number != b_number) return a_number;
  return a_number ? std::strtod(a.text.c_str(), nullptr) < std::strtod(b.text.c_str(), nullptr)
                  : a.text < b.text;
}

}  // namespace

void DefineOutput(FlagSet& flags, OutputOptions* target, std::vector<std::string> columns) {
  flags
      .Choice("output", &target->format, {"table", "json", "jsonl", "csv", "raw"},
              "the format of the results")
      .Short('o')
      .Env();
  flags.Switch("json", &target->json, "the same as --output json");
  flags.Switch("no-header", &target->no_header, "no line with the names of the columns");
  flags.Text("columns", "NAMES", &target->columns,
             "which columns, in which order, with commas between: " + JoinColumns(columns));
  flags.Check([target, columns = std::move(columns)] {
    if (target->columns.empty()) return Status::Ok();
    for (const std::string& name : SplitColumns(target->columns)) {
      Status status = CheckColumn("--columns", name, columns);
      if (!status.ok()) return status;
    }
    return Status::Ok();
  });
}

void DefineSort(FlagSet& flags, OutputOptions* target, std::vector<std::string> columns) {
  flags.Text("sort", "COLUMN", &target->sort,
             "sort the rows by a column; -COLUMN from large to small");
  flags.Check([target, columns = std::move(columns)] {
    return target->sort.empty() ? Status::Ok()
                                : CheckColumn("--sort", SortColumn(*target), columns);
  });
}

RowWriter::RowWriter(std::ostream& out, const OutputOptions& options,
                     std::vector<std::string> columns)
    : out_(out), options_(options) {
  names_ = options.columns.empty() ? columns : SplitColumns(options.columns);
  for (const std::string& name : names_) {
    chosen_.push_back(
        static_cast<size_t>(std::find(columns.begin(), columns.end(), name) - columns.begin()));
  }
  sorted_by_ = static_cast<size_t>(std::find(columns.begin(), columns.end(), SortColumn(options)) -
                                   columns.begin());
}

void RowWriter::Row(const std::vector<Cell>& cells) {
  if (options_.sort.empty()) return Print(cells);
  unsorted_.push_back(cells);
}

void RowWriter::PrintSorted() {
  const auto before = [this](const std::vector<Cell>& a, const std::vector<Cell>& b) {
    return options_.sort.starts_with('-') ? Less(b[sorted_by_], a[sorted_by_])
                                          : Less(a[sorted_by_], b[sorted_by_]);
  };
  std::stable_sort(unsorted_.begin(), unsorted_.end(), before);
  for (const auto& cells : unsorted_) Print(cells);
  unsorted_.clear();
}

void RowWriter::Print(const std::vector<Cell>& cells) {
  if (options_.Is("json") || options_.Is("jsonl")) {
    Json object;
    for (size_t i = 0; i < names_.size(); i++) object[names_[i]] = ToJson(cells[chosen_[i]]);
    const std::string text = object.dump(-1, ' ', false, Json::error_handler_t::replace);
    out_ << (options_.Is("jsonl") ? ""
             : rows_ == 0         ? "[\n  "
                                  : ",\n  ")
         << text << (options_.Is("jsonl") ? "\n" : "");
    rows_++;
    return;
  }
  std::vector<std::string> fields;
  for (const size_t column : chosen_) fields.push_back(ToText(cells[column], options_));
  rows_++;
  if (!options_.Is("table")) {
    if (rows_ == 1) PrintHeader();
    return PrintLine(fields);
  }
  if (measured_) return PrintLine(fields);
  held_.push_back(std::move(fields));
  if (held_.size() == kMeasuredRows) PrintHeld();
}

void RowWriter::PrintHeader() {
  if (options_.no_header || options_.Is("raw")) return;
  std::vector<std::string> fields = names_;
  if (options_.Is("table")) std::transform(fields.begin(), fields.end(), fields.begin(), Upper);
  PrintLine(fields);
}

void RowWriter::PrintLine(const std::vector<std::string>& fields) {
  std::string line;
  for (size_t i = 0; i < fields.size(); i++) {
    const bool last = i + 1 == fields.size();
    if (options_.Is("csv")) {
      line += CsvField(fields[i]) + (last ? "" : ",");
    } else if (options_.Is("raw")) {
      line += fields[i] + (last ? "" : "\t");
    } else {
      const size_t width = Columns(fields[i]);
      line += fields[i];
      if (!last) line.append(width < widths_[i] ? widths_[i] - width + 2 : 2, ' ');
    }
  }
  // Where the last fields of a row are empty.
  if (options_.Is("table")) line.erase(line.find_last_not_of(' ') + 1);
  out_ << line << "\n";
}

void RowWriter::PrintHeld() {
  measured_ = true;
  widths_.assign(names_.size(), 0);
  for (size_t i = 0; i < names_.size(); i++) {
    if (!options_.no_header) widths_[i] = names_[i].size();
    for (const auto& fields : held_) widths_[i] = std::max(widths_[i], Columns(fields[i]));
  }
  PrintHeader();
  for (const auto& fields : held_) PrintLine(fields);
  held_.clear();
}

void RowWriter::Finish() {
  if (finished_) return;
  finished_ = true;
  PrintSorted();
  if (options_.Is("json")) {
    out_ << (rows_ == 0 ? "[]\n" : "\n]\n");
  } else if (options_.Is("table") && !measured_ && rows_ > 0) {
    PrintHeld();
  } else if (options_.Is("csv") && rows_ == 0) {
    PrintHeader();
  }
}

void PrintDocument(std::ostream& out, const OutputOptions& options, const std::string& json,
                   const std::string& text) {
  if (options.Is("table") && !options.AsRows()) {
    out << text;
  } else if (options.Is("json")) {
    out << json << "\n";
  } else if (const Json document = Json::parse(json, nullptr, false); options.Is("jsonl")) {
    out << document.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
  } else {
    RowWriter rows(out, options, DocumentColumns());
    Flatten(document, "", &rows);
  }
}

std::vector<std::string> DocumentColumns() {
  return {"name", "value"};
}

}  // namespace nokv::cli
