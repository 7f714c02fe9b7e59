// NOKV_CHECK stops the process when an invariant is broken, in every build. User input never
// reaches one. NOKV_INVARIANT is for checks too expensive to ship: it is on in debug, simulator and
// sanitizer builds and compiles to nothing elsewhere.
//
//   NOKV_CHECK(left <= right) << "range [" << left << ", " << right << ")";
#pragma once

#include <cstdlib>
#include <sstream>

namespace nokv::base::internal {

// Collects the message; prints it and aborts when the full expression ends.
class CheckFailure {
 public:
  CheckFailure(const char* file, int line, const char* condition);
  ~CheckFailure();
  CheckFailure(const CheckFailure&) = delete;
  CheckFailure& operator=(const CheckFailure&) = delete;
  std::ostream& stream() { return stream_; }

 private:
  std::ostringstream stream_;
};

// Gives both branches of the conditional expression the type void.
struct Voidify {
  void operator&(std::ostream&) {}
};

}  // namespace nokv::base::internal

#define NOKV_CHECK(condition)                       \
  (condition) ? (void)0                             \
              : ::nokv::base::internal::Voidify() & \
                    ::nokv::base::internal::CheckFailure(__FILE__, __LINE__, #condition).stream()

#if !defined(NDEBUG) || defined(NOKV_EXPENSIVE_CHECKS)
#define NOKV_INVARIANT(condition) NOKV_CHECK(condition)
#else
#define NOKV_INVARIANT(condition) NOKV_CHECK(true || (condition))
#endif
