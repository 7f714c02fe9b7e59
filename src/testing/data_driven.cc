#include "testing/data_driven.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "base/macros.h"

namespace nokv::datadriven {
namespace {

constexpr std::string_view kSeparator = "----";

// A case with what is needed to write its part of the file again.
struct Block {
  std::string before;  // everything up to and including the first separator
  DataCase data;
};

struct DataFile {
  std::vector<Block> blocks;
  std::string rest;  // what follows the last case
};

bool IsBlank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Splits at the commas that stand outside parentheses.
std::vector<std::string> SplitValues(std::string_view text) {
  std::vector<std::string> values;
  int depth = 0;
  size_t start = 0;
  for (size_t i = 0; i <= text.size(); i++) {
    if (i == text.size() || (text[i] == ',' && depth == 0)) {
      values.emplace_back(Trim(text.substr(start, i - start)));
      start = i + 1;
    } else if (text[i] == '(') {
      depth++;
    } else if (text[i] == ')') {
      depth--;
    }
  }
  return values;
}

// Takes the next word off `line`: up to white space outside parentheses. False if a parenthesis
// has no partner.
bool TakeWord(std::string_view* line, std::string_view* word) {
  *line = Trim(*line);
  int depth = 0;
  size_t end = 0;
  for (; end < line->size(); end++) {
    const char c = (*line)[end];
    if (depth == 0 && (c == ' ' || c == '\t')) break;
    if (c == '(') depth++;
    if (c == ')' && --depth < 0) return false;
  }
  *word = line->substr(0, end);
  line->remove_prefix(end);
  return depth == 0;
}

DataArg ParseArg(std::string_view word) {
  const size_t equals = word.find('=');
  DataArg arg{std::string(word.substr(0, equals)), {}};
  if (equals == std::string_view::npos) return arg;
  std::string_view value = word.substr(equals + 1);
  if (value.size() >= 2 && value.front() == '(' && value.back() == ')') {
    value = value.substr(1, value.size() - 2);
    if (!Trim(value).empty()) arg.values = SplitValues(value);
  } else {
    arg.values.emplace_back(value);
  }
  return arg;
}

class Parser {
 public:
  Parser(std::string path, std::string text) : path_(std::move(path)), text_(std::move(text)) {}

  Result<DataFile> Parse() {
    DataFile file;
    while (SkipToCommand(&file.rest)) {
      Block& block = file.blocks.emplace_back();
      block.before = std::exchange(file.rest, "");
      RETURN_IF_ERROR(ParseCommand(&block));
      RETURN_IF_ERROR(ParseInput(&block));
      RETURN_IF_ERROR(ParseExpected(&block));
    }
    return file;
  }

 private:
  bool AtEnd() const { return position_ == text_.size(); }
  // The next line without its end, which counts as there also at the end of the file.
  std::string_view Peek() const {
    const std::string_view rest = std::string_view(text_).substr(position_);
    return rest.substr(0, rest.find('\n'));
  }
  std::string_view Take() {
    const std::string_view line = Peek();
    position_ = std::min(position_ + line.size() + 1, text_.size());
    line_number_++;
    return line;
  }
  Status Error(std::string_view what) const {
    return Status::InvalidArgument(Position() + ": " + std::string(what));
  }
  std::string Position() const { return path_ + ":" + std::to_string(line_number_); }

  // Collects blank lines and comments; false at the end of the file.
  bool SkipToCommand(std::string* skipped) {
    while (!AtEnd()) {
      if (!IsBlank(Peek()) && !Trim(Peek()).starts_with('#')) return true;
      *skipped += std::string(Take()) + "\n";
    }
    return false;
  }

  Status ParseCommand(Block* block) {
    std::string line;
    bool continued = true;
    while (continued && !AtEnd()) {
      const std::string_view part = Take();
      if (line.empty()) block->data.position = Position();
      block->before += std::string(part) + "\n";
      continued = part.ends_with('\\');
      line += std::string(part.substr(0, part.size() - (continued ? 1 : 0))) + " ";
    }
    std::string_view rest = line;
    std::string_view word;
    if (!TakeWord(&rest, &word)) return Error("a parenthesis has no partner");
    block->data.command = std::string(word);
    if (word == kSeparator) return Error("output without a command");
    while (!Trim(rest).empty()) {
      if (!TakeWord(&rest, &word)) return Error("a parenthesis has no partner");
      block->data.args.push_back(ParseArg(word));
    }
    return Status::Ok();
  }

  Status ParseInput(Block* block) {
    while (!AtEnd()) {
      const std::string line = std::string(Take()) + "\n";
      block->before += line;
      if (line == std::string(kSeparator) + "\n") return Status::Ok();
      block->data.input += line;
    }
    return Error("the command at " + block->data.position + " has no ---- after it");
  }

  Status ParseExpected(Block* block) {
    if (AtEnd() || Peek() != kSeparator) {
      while (!AtEnd() && !IsBlank(Peek())) block->data.expected += std::string(Take()) + "\n";
      return Status::Ok();
    }
    Take();
    while (!AtEnd()) {
      const std::string line(Take());
      if (line == kSeparator && !AtEnd() && Peek() == kSeparator) {
        Take();
        return Status::Ok();
      }
      block->data.expected += line + "\n";
    }
    return Error("the output of " + block->data.position + " does not end in ---- twice");
  }

  const std::string path_;
  const std::string text_;
  size_t position_ = 0;
  size_t line_number_ = 0;  // of the line taken last
};

bool HasBlankLine(std::string_view output) {
  while (!output.empty()) {
    const size_t end = output.find('\n');
    if (IsBlank(output.substr(0, end))) return true;
    output.remove_prefix(end + 1);
  }
  return false;
}

// An output that would be mistaken for its own end takes the form with double separators.
std::string Quoted(const std::string& output) {
  if (!HasBlankLine(output) && !output.starts_with(kSeparator)) return output;
  const std::string separator = std::string(kSeparator) + "\n";
  return separator + output + separator + separator;
}

Result<std::string> ReadText(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Status::IoError("open " + path, errno);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Status WriteText(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text << std::flush;
  return out ? Status::Ok() : Status::IoError("write " + path, errno);
}

}  // namespace

const DataArg* DataCase::Find(std::string_view key) const {
  const auto found =
      std::find_if(args.begin(), args.end(), [&](const DataArg& arg) { return arg.key == key; });
  return found == args.end() ? nullptr : &*found;
}

std::string DataCase::Value(std::string_view key, std::string_view otherwise) const {
  const DataArg* arg = Find(key);
  return arg == nullptr || arg->values.empty() ? std::string(otherwise) : arg->values.front();
}

Result<std::vector<Mismatch>> RunDataFile(const std::string& path, bool rewrite,
                                          const Handler& handler) {
  ASSIGN_OR_RETURN(const std::string text, ReadText(path));
  ASSIGN_OR_RETURN(const DataFile file, Parser(path, text).Parse());
  std::vector<Mismatch> mismatches;
  std::string rewritten;
  for (const Block& block : file.blocks) {
    std::string actual = handler(block.data);
    if (!actual.empty() && actual.back() != '\n') actual += '\n';
    rewritten += block.before + Quoted(actual);
    if (actual != block.data.expected) {
      mismatches.push_back({block.data.position, block.data.expected, std::move(actual)});
    }
  }
  rewritten += file.rest;
  if (!rewrite) return mismatches;
  if (rewritten != text) RETURN_IF_ERROR(WriteText(path, rewritten));
  return std::vector<Mismatch>();
}

Result<std::vector<DataCase>> ReadDataFile(const std::string& path) {
  ASSIGN_OR_RETURN(std::string text, ReadText(path));
  ASSIGN_OR_RETURN(DataFile file, Parser(path, std::move(text)).Parse());
  std::vector<DataCase> cases;
  for (Block& block : file.blocks) cases.push_back(std::move(block.data));
  return cases;
}

bool RewriteRequested() {
  const char* variable = std::getenv("NOKV_REWRITE");
  if (variable != nullptr && std::string_view(variable) == "1") return true;
  // The arguments as the system keeps them, each ending in a zero byte: no main has to pass them.
  const Result<std::string> arguments = ReadText("/proc/self/cmdline");
  return arguments.ok() && arguments->find(std::string("\0--rewrite\0", 11)) != std::string::npos;
}

std::string Check(const std::string& path, const Handler& handler) {
  const auto mismatches = RunDataFile(path, RewriteRequested(), handler);
  if (!mismatches.ok()) return mismatches.status().ToString();
  std::string report;
  for (const Mismatch& mismatch : *mismatches) {
    report += mismatch.position + ": expected:\n" + mismatch.expected + "actual:\n" +
              mismatch.actual + "\n";
  }
  if (!report.empty()) report += "NOKV_REWRITE=1 puts the actual output into the file\n";
  return report;
}

}  // namespace nokv::datadriven
