#include "redis/commands/categories.h"

#include "redis/commands/spec.h"

namespace nokv::redis {

std::span<const std::string_view> AllCategories() {
  return kCategoryNames;
}

std::vector<std::string_view> CategoriesOf(const CommandSpec& spec) {
  std::vector<std::string_view> names;
  for (const std::string_view name : kCategoryNames) {
    if ((spec.categories & CategoryBit(name)) != 0) names.push_back(name);
  }
  return names;
}

}  // namespace nokv::redis
