// Reply: writes RESP values, version 2 or 3, to the end of a string.
//
// Where version 2 lacks a type, the writer uses what Redis sends there instead (a map becomes an
// array of twice the length). Lengths of aggregates are written before their elements.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nokv::redis {

class Reply {
 public:
  // Borrows `out`.
  Reply(std::string* out, int protocol) : out_(out), begin_(out->size()), protocol_(protocol) {}

  void Ok() { out_->append("+OK\r\n"); }
  void Simple(std::string_view text);
  // `text` begins with the error's code: "ERR syntax error". Line breaks in it become spaces.
  void Error(std::string_view text);
  void Integer(int64_t value);
  void Bulk(std::string_view bytes);
  void Null();
  // Where an array was to be expected.
  void NullArray();
  void Array(size_t count) { Header('*', count); }
  void Map(size_t pairs);
  // A message that is no reply, of so many elements; an array in version 2.
  void Push(size_t count) {
    Header(protocol_ >= 3 ? '>' : '*', count);
    has_pushes_ = true;
  }
  void Set(size_t count) { Header(protocol_ >= 3 ? '~' : '*', count); }
  // Text for people (INFO).
  void Verbatim(std::string_view text);
  // A writer for the next element of what this object has begun. It may fail and be rewound by
  // itself.
  Reply Element(int protocol) { return Reply(out_, protocol); }
  // Elements that are complete RESP values.
  void Raw(std::string_view encoded) { out_->append(encoded); }

  // True if an error was written.
  bool failed() const { return failed_; }
  // True if a push was written: then it is sent to clients that want no replies, too.
  bool has_pushes() const { return has_pushes_; }
  // The text of that error, for as long as nothing else is written; empty if there is none.
  std::string_view error() const;
  size_t bytes() const { return out_->size() - begin_; }
  // Drops what this object wrote.
  void Rewind();
  int protocol() const { return protocol_; }
  // From now on; what was written stays.
  void set_protocol(int protocol) { protocol_ = protocol; }

 private:
  void Header(char type, size_t count);

  std::string* out_;
  size_t begin_;
  int protocol_;
  bool failed_ = false;
  bool has_pushes_ = false;
};

}  // namespace nokv::redis
