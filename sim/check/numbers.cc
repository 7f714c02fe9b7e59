#include "sim/check/numbers.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

namespace nokv::sim {
namespace {

std::string ToString(const GivenNumbers& given) {
  return std::string(given.timestamps ? "timestamps " : "ids ") + std::to_string(given.first) +
         " to " + std::to_string(given.first + given.count - 1) + " of generation " +
         std::to_string(given.generation) + " from process " + std::to_string(given.holder) + " [" +
         std::to_string(given.invoked_us) + ", " + std::to_string(given.returned_us) + "]";
}

std::optional<std::string> FindTwice(std::vector<GivenNumbers>& given) {
  std::sort(given.begin(), given.end(), [](const auto& a, const auto& b) {
    return std::tie(a.timestamps, a.first) < std::tie(b.timestamps, b.first);
  });
  for (size_t i = 1; i < given.size(); i++) {
    const GivenNumbers& before = given[i - 1];
    if (before.timestamps != given[i].timestamps) continue;
    if (given[i].first - before.first >= before.count) continue;
    return "given twice: " + ToString(before) + " and " + ToString(given[i]);
  }
  return std::nullopt;
}

std::optional<std::string> FindFalling(std::vector<GivenNumbers> given) {
  std::erase_if(given, [](const auto& each) { return !each.timestamps; });
  std::vector<GivenNumbers> answered = given;
  std::sort(given.begin(), given.end(),
            [](const auto& a, const auto& b) { return a.invoked_us < b.invoked_us; });
  std::sort(answered.begin(), answered.end(),
            [](const auto& a, const auto& b) { return a.returned_us < b.returned_us; });
  const GivenNumbers* highest = nullptr;  // of those answered before the request began
  size_t next = 0;
  for (const GivenNumbers& each : given) {
    for (; next < answered.size() && answered[next].returned_us < each.invoked_us; next++) {
      if (highest == nullptr || answered[next].first > highest->first) highest = &answered[next];
    }
    if (highest == nullptr || each.first > highest->first) continue;
    return "fallen: " + ToString(*highest) + " before " + ToString(each);
  }
  return std::nullopt;
}

std::optional<std::string> FindTwoHolders(const std::vector<GivenNumbers>& given) {
  std::map<uint64_t, const GivenNumbers*> first_of;
  for (const GivenNumbers& each : given) {
    if (each.holder == 0) continue;
    const auto [known, is_new] = first_of.emplace(each.generation, &each);
    if (known->second->holder == each.holder) continue;
    return "two holders: " + ToString(*known->second) + " and " + ToString(each);
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> CheckNumbers(std::vector<GivenNumbers> given) {
  std::vector<std::string> violations;
  for (auto& found : {FindTwice(given), FindFalling(given), FindTwoHolders(given)}) {
    if (found.has_value()) violations.push_back(*found);
  }
  return violations;
}

}  // namespace nokv::sim
