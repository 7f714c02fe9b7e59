// LCS: the longest common subsequence of two strings.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/macros.h"
#include "redis/commands/common.h"
#include "redis/commands/table.h"

namespace nokv::redis {

namespace {

struct Options {
  bool length_only = false;
  bool matches = false;
  bool with_lengths = false;
  int64_t least_length = 0;
};

// False after replying with an error.
bool ParseOptions(Context& context, Options* options) {
  const auto words = context.args.subspan(3);
  for (size_t i = 0; i < words.size(); ++i) {
    if (EqualsIgnoreCase(words[i], "idx")) {
      options->matches = true;
    } else if (EqualsIgnoreCase(words[i], "len")) {
      options->length_only = true;
    } else if (EqualsIgnoreCase(words[i], "withmatchlen")) {
      options->with_lengths = true;
    } else if (EqualsIgnoreCase(words[i], "minmatchlen") && i + 1 < words.size()) {
      const auto least = IntegerArgument(context, words[++i]);
      if (!least.has_value()) return false;
      options->least_length = *least;
    } else {
      context.reply.Error(kSyntaxError);
      return false;
    }
  }
  if (options->length_only && options->matches) {
    context.reply.Error("ERR If you want both the length and indexes, please just use IDX.");
    return false;
  }
  return true;
}

// Equal parts: [a, a + length) of one string, [b, b + length) of the other.
struct Match {
  size_t a;
  size_t b;
  size_t length;
};

// Lengths of the longest common subsequence of all pairs of prefixes.
class PrefixLengths {
 public:
  PrefixLengths(std::string_view a, std::string_view b)
      : width_(b.size() + 1), lengths_((a.size() + 1) * width_) {
    for (size_t i = 1; i <= a.size(); ++i) {
      for (size_t j = 1; j <= b.size(); ++j) {
        At(i, j) =
            a[i - 1] == b[j - 1] ? At(i - 1, j - 1) + 1 : std::max(At(i - 1, j), At(i, j - 1));
      }
    }
  }
  uint32_t& At(size_t i, size_t j) { return lengths_[i * width_ + j]; }

 private:
  const size_t width_;
  std::vector<uint32_t> lengths_;
};

// The matches of one longest common subsequence, the last first. Where there are several, a byte of
// `b` is given up before one of `a`.
std::vector<Match> MatchesOf(std::string_view a, std::string_view b, PrefixLengths& lengths) {
  std::vector<Match> matches;
  bool open = false;  // the last match goes on to the left
  for (size_t i = a.size(), j = b.size(); i > 0 && j > 0;) {
    if (a[i - 1] != b[j - 1]) {
      open = false;
      --(lengths.At(i - 1, j) > lengths.At(i, j - 1) ? i : j);
      continue;
    }
    --i;
    --j;
    if (open) {
      matches.back() = {i, j, matches.back().length + 1};
    } else {
      matches.push_back({i, j, 1});
    }
    open = true;
  }
  return matches;
}

void ReplyRange(Reply& reply, size_t begin, size_t length) {
  reply.Array(2);
  reply.Integer(static_cast<int64_t>(begin));
  reply.Integer(static_cast<int64_t>(begin + length - 1));
}

void ReplyMatches(Context& context, std::vector<Match> matches, const Options& options,
                  uint32_t length) {
  std::erase_if(matches, [&](const Match& match) {
    return static_cast<int64_t>(match.length) < options.least_length;
  });
  context.reply.Map(2);
  context.reply.Bulk("matches");
  context.reply.Array(matches.size());
  for (const Match& match : matches) {
    context.reply.Array(options.with_lengths ? 3 : 2);
    ReplyRange(context.reply, match.a, match.length);
    ReplyRange(context.reply, match.b, match.length);
    if (options.with_lengths) context.reply.Integer(static_cast<int64_t>(match.length));
  }
  context.reply.Bulk("len");
  context.reply.Integer(length);
}

Status Lcs(Context& context) {
  Record records[2];
  for (size_t i = 0; i < 2; ++i) {
    ASSIGN_OR_RETURN(const bool found,
                     context.txn.Find(context.db(), context.args[i + 1], &records[i]));
    CountLookup(context, context.args[i + 1], found);
    if (!found) records[i] = Record{};
    if (records[i].type != static_cast<uint8_t>(ValueType::kString)) {
      return Fail(context, "ERR The specified keys must contain string values");
    }
  }
  Options options;
  if (!ParseOptions(context, &options)) return Status::Ok();
  const std::string_view a = records[0].value;
  const std::string_view b = records[1].value;
  // The table of lengths is the memory that this takes.
  if ((a.size() + 1) > kMaxStringBytes / sizeof(uint32_t) / (b.size() + 1)) {
    return Fail(context,
                "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
  }
  PrefixLengths lengths(a, b);
  const uint32_t length = lengths.At(a.size(), b.size());
  if (options.length_only) {
    context.reply.Integer(length);
    return Status::Ok();
  }
  const std::vector<Match> matches = MatchesOf(a, b, lengths);
  if (options.matches) {
    ReplyMatches(context, matches, options, length);
    return Status::Ok();
  }
  std::string subsequence;
  for (auto match = matches.rbegin(); match != matches.rend(); ++match) {
    subsequence.append(a.substr(match->a, match->length));
  }
  context.reply.Bulk(subsequence);
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {"lcs", -3, Lcs, kReadOnlyFlag, 1, 2, 1, "string", "7.0.0",
     "Finds the longest common subsequence of two values\n"
     "args: key1:key key2:key [LEN] [IDX] [MINMATCHLEN=len:int] [WITHMATCHLEN]\n"
     "cost: O(N*M), values of N and M bytes"},
};

}  // namespace

std::span<const CommandSpec> LcsCommands() {
  return kCommands;
}

}  // namespace nokv::redis
