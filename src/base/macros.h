// RETURN_IF_ERROR and ASSIGN_OR_RETURN: the two control-flow macros of the project.
#pragma once

#include <utility>

#include "nokv/status.h"

#define NOKV_CONCAT_INNER(a, b) a##b
#define NOKV_CONCAT(a, b) NOKV_CONCAT_INNER(a, b)

// Evaluates `expression` (a Status) and returns it from the enclosing function unless it is OK.
#define RETURN_IF_ERROR(expression)              \
  do {                                           \
    ::nokv::Status nokv_status_ = (expression);  \
    if (!nokv_status_.ok()) return nokv_status_; \
  } while (false)

// ASSIGN_OR_RETURN(auto file, fs.Open(path)): assigns the value of a Result or returns its Status.
#define ASSIGN_OR_RETURN(target, expression) \
  NOKV_ASSIGN_OR_RETURN(NOKV_CONCAT(nokv_result_, __LINE__), target, expression)
#define NOKV_ASSIGN_OR_RETURN(result, target, expression) \
  auto result = (expression);                             \
  if (!result.ok()) return result.status();               \
  target = std::move(result).value()
