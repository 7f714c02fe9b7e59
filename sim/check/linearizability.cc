#include "sim/check/linearizability.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unordered_set>

#include "base/random.h"

namespace nokv::sim {
namespace {

// Operations of an explanation.
constexpr size_t kShown = 12;

// Calls and returns in the order of time, as a list from which operations can be taken out and put
// back in constant time. Operations that never returned have no return in it.
class Events {
 public:
  static constexpr uint32_t kEnd = 0;  // and the place before the first event

  struct Event {
    uint32_t operation = 0;
    bool is_call = false;
    uint32_t next = kEnd;
    uint32_t previous = kEnd;
  };

  explicit Events(const History& history) : calls_(history.size()), returns_(history.size()) {
    struct Moment {
      uint64_t time_us;
      bool is_return;  // at the same time calls come first: that excludes less
      uint32_t operation;
      auto operator<=>(const Moment&) const = default;
    };
    std::vector<Moment> moments;
    for (uint32_t i = 0; i < history.size(); i++) {
      moments.push_back({history[i].invoked_us, false, i});
      if (history[i].known()) moments.push_back({history[i].returned_us, true, i});
    }
    std::sort(moments.begin(), moments.end());
    events_.resize(moments.size() + 1);
    for (uint32_t i = 0; i < moments.size(); i++) {
      const uint32_t at = i + 1;
      events_[at] = {moments[i].operation, !moments[i].is_return, kEnd, i};
      events_[i].next = at;
      (moments[i].is_return ? returns_ : calls_)[moments[i].operation] = at;
    }
    events_[kEnd].previous = static_cast<uint32_t>(moments.size());
  }

  const Event& operator[](uint32_t at) const { return events_[at]; }
  uint32_t first() const { return events_[kEnd].next; }
  uint32_t CallOf(uint32_t operation) const { return calls_[operation]; }

  void TakeOut(uint32_t operation) {
    Unlink(calls_[operation]);
    if (returns_[operation] != kEnd) Unlink(returns_[operation]);
  }
  void PutBack(uint32_t operation) {
    if (returns_[operation] != kEnd) Link(returns_[operation]);
    Link(calls_[operation]);
  }

 private:
  void Unlink(uint32_t at) {
    events_[events_[at].previous].next = events_[at].next;
    events_[events_[at].next].previous = events_[at].previous;
  }
  void Link(uint32_t at) {
    events_[events_[at].previous].next = at;
    events_[events_[at].next].previous = at;
  }

  std::vector<Event> events_;  // the first one is kEnd
  std::vector<uint32_t> calls_;
  std::vector<uint32_t> returns_;
};

// A set of operations and the value that they led to, as 128 bits.
struct Place {
  uint64_t low = 0;
  uint64_t high = 0;
  bool operator==(const Place&) const = default;
};
struct PlaceHash {
  size_t operator()(const Place& place) const { return place.low; }
};

Place WithValue(Place operations, const RegisterValue& value) {
  const uint64_t salt = value ? base::MixSeed(static_cast<uint64_t>(*value)) : 1;
  return {base::MixSeed(operations.low ^ salt), base::MixSeed(operations.high + salt)};
}

class Search {
 public:
  Search(const History& history, uint64_t max_steps)
      : history_(history), max_steps_(max_steps), events_(history) {
    for (const HistoryOperation& operation : history) known_left_ += operation.known();
  }

  LinearizabilityResult Run() {
    uint32_t at = events_.first();
    bool unknown_ones = false;  // those that answered are tried first: they must come now
    while (known_left_ > 0) {
      if (at != Events::kEnd && events_[at].is_call) {
        const uint32_t operation = events_[at].operation;
        if (history_[operation].known() != unknown_ones && TryNext(operation, unknown_ones)) {
          at = events_.first();
          unknown_ones = false;
        } else {
          at = events_[at].next;
        }
        if (result_.steps > max_steps_) return Done(Verdict::kTooMuchWork);
        continue;
      }
      // Nothing after this return can come before it.
      if (!unknown_ones) {
        NoteStuck(at);
        unknown_ones = true;
        at = events_.first();
        continue;
      }
      if (taken_.empty()) return Done(Verdict::kViolation);
      const Taken last = taken_.back();
      Undo();
      at = events_[events_.CallOf(last.operation)].next;
      unknown_ones = last.unknown_ones;
    }
    return Done(Verdict::kLinearizable);
  }

 private:
  struct Taken {
    uint32_t operation;
    RegisterValue before;
    bool unknown_ones;
  };

  // Lets the operation take effect now, if its answer allows it and this leads somewhere new.
  bool TryNext(uint32_t number, bool unknown_ones) {
    const HistoryOperation& operation = history_[number];
    if (operation.observes() && operation.before != value_) return false;
    result_.steps++;
    const RegisterValue after = Apply(operation, value_);
    if (unknown_ones ? !IsOfUse(number, after) : MustBeUsed() && !operation.observes()) {
      return false;
    }
    Place operations = operations_;
    Toggle(&operations, number);
    Place place = WithValue(operations, after);
    if (unknown_ones) place.low = ~place.low;  // what may follow is not the same
    if (!visited_.insert(place).second) return false;
    events_.TakeOut(number);
    taken_.push_back({number, value_, unknown_ones});
    known_left_ -= operation.known();
    operations_ = operations;
    value_ = after;
    return true;
  }

  // The last operation is one whose outcome is unknown. If what follows does not depend on it, it
  // might as well not have happened; so something must that does.
  bool MustBeUsed() const { return !taken_.empty() && taken_.back().unknown_ones; }

  // Whether an operation of unknown outcome, which makes the value `after`, can be used like that.
  bool IsOfUse(uint32_t number, const RegisterValue& after) const {
    const HistoryOperation& operation = history_[number];
    const bool depends =
        operation.kind == OperationKind::kAdd || operation.kind == OperationKind::kCas;
    if (after == value_ || (MustBeUsed() && !depends)) return false;
    for (uint32_t at = events_.first(); at != Events::kEnd && events_[at].is_call;
         at = events_[at].next) {
      const HistoryOperation& next = history_[events_[at].operation];
      if (next.known() ? next.observes() && next.before == after
                       : events_[at].operation != number &&
                             (next.kind == OperationKind::kAdd ||
                              (next.kind == OperationKind::kCas && next.expected == after))) {
        return true;
      }
    }
    return false;
  }

  void Undo() {
    const Taken& last = taken_.back();
    events_.PutBack(last.operation);
    known_left_ += history_[last.operation].known();
    Toggle(&operations_, last.operation);
    value_ = last.before;
    taken_.pop_back();
  }

  static void Toggle(Place* place, uint32_t number) {
    place->low ^= base::MixSeed(2 * uint64_t{number} + 2);
    place->high ^= base::MixSeed(2 * uint64_t{number} + 3);
  }

  // Remembers the longest way and what ended it.
  void NoteStuck(uint32_t at) {
    if (at == Events::kEnd || (stuck_ && taken_.size() <= deepest_)) return;
    deepest_ = taken_.size();
    stuck_ = events_[at].operation;
    before_stuck_.clear();
    for (size_t i = taken_.size() - std::min(taken_.size(), kShown); i < taken_.size(); i++) {
      before_stuck_.push_back(taken_[i].operation);
    }
    beside_stuck_.clear();
    for (uint32_t next = events_.first(); next != at && beside_stuck_.size() < kShown;
         next = events_[next].next) {
      beside_stuck_.push_back(events_[next].operation);
    }
  }

  std::string Explain() const {
    std::string text = "nothing explains " + ToString(history_[*stuck_]) +
                       "\nbefore it, in the longest order found:";
    for (const uint32_t number : before_stuck_) text += "\n  " + ToString(history_[number]);
    text += "\nand then one of:";
    for (const uint32_t number : beside_stuck_) text += "\n  " + ToString(history_[number]);
    return text;
  }

  LinearizabilityResult Done(Verdict verdict) {
    result_.verdict = verdict;
    if (verdict == Verdict::kViolation) result_.explanation = Explain();
    return std::move(result_);
  }

  const History& history_;
  const uint64_t max_steps_;
  Events events_;
  size_t known_left_ = 0;
  RegisterValue value_;
  Place operations_;
  std::vector<Taken> taken_;
  // Only asked whether something is in it.
  std::unordered_set<Place, PlaceHash> visited_;
  // The longest way, the operation whose return ended it, and those around it.
  size_t deepest_ = 0;
  std::optional<uint32_t> stuck_;
  std::vector<uint32_t> before_stuck_, beside_stuck_;
  LinearizabilityResult result_;
};

// Without the operations that cannot explain anything: unknown reads, and unknown writes of a value
// that nobody saw. (An unknown addition may have made it into another value, which was seen; and an
// unknown comparison has seen what it expected, if it took effect.)
History Relevant(const History& history) {
  std::set<int64_t> seen;
  bool hidden_sums = false;
  for (const HistoryOperation& operation : history) {
    if (operation.observes() && operation.before) seen.insert(*operation.before);
    if (operation.kind == OperationKind::kCas && operation.expected) {
      seen.insert(*operation.expected);
    }
    hidden_sums |= !operation.known() && operation.kind == OperationKind::kAdd;
  }
  History relevant;
  for (const HistoryOperation& operation : history) {
    const bool sets_it =
        operation.kind == OperationKind::kWrite || operation.kind == OperationKind::kCas;
    const bool explains = operation.kind != OperationKind::kRead &&
                          !(sets_it && !hidden_sums && !seen.contains(operation.argument));
    if (operation.known() || explains) relevant.push_back(operation);
  }
  return relevant;
}

}  // namespace

LinearizabilityResult CheckRegister(const History& history, uint64_t max_steps) {
  const History relevant = Relevant(history);
  return Search(relevant, max_steps).Run();
}

LinearizabilityResult CheckMap(const History& history, uint64_t max_steps) {
  std::map<uint64_t, History> by_key;
  for (const HistoryOperation& operation : history) by_key[operation.key].push_back(operation);
  LinearizabilityResult all;
  for (const auto& [key, part] : by_key) {
    const uint64_t before = all.steps;
    LinearizabilityResult one = CheckRegister(part, max_steps);
    if (one.verdict == Verdict::kViolation) return one;
    if (one.verdict == Verdict::kTooMuchWork) all.verdict = one.verdict;
    all.steps = before + one.steps;
  }
  return all;
}

}  // namespace nokv::sim
