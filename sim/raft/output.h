// Output: what the directives of a script print. Quiet while the level is NONE; parts can be
// indented.
//
// Thread safety: thread-compatible.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace nokv::sim {

class Output {
 public:
  bool quiet() const { return quiet_; }
  void set_quiet(bool quiet) { quiet_ = quiet; }

  void Write(std::string_view text) {
    if (!quiet_) text_ += text;
  }
  void Line(std::string_view text) {
    Write(text);
    Write("\n");
  }
  // What `body` writes, each line behind two blanks.
  template <typename Body>
  auto Indented(Body body) {
    std::string outer = std::exchange(text_, "");
    auto result = body();
    std::string_view inner = text_;
    while (!inner.empty()) {
      const size_t end = inner.find('\n');
      outer += "  " + std::string(inner.substr(0, end)) + "\n";
      inner.remove_prefix(end == std::string_view::npos ? inner.size() : end + 1);
    }
    text_ = std::move(outer);
    return result;
  }
  std::string Take() { return std::exchange(text_, ""); }

 private:
  bool quiet_ = false;
  std::string text_;
};

}  // namespace nokv::sim
