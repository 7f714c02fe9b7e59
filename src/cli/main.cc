#include "cli/main.h"

#include <iostream>
#include <utility>

namespace nokv::cli {

int RunMain(const Program& program, int argc, char** argv,
            std::function<Result<Inspection>(const std::string&)> inspect) {
  const Args args(argv + (argc > 0 ? 1 : 0), argv + argc);
  const int code = RunProgram(program, args,
                              {.out = std::cout, .err = std::cerr, .inspect = std::move(inspect)});
  if (code == kExitOk && !std::cout.flush()) {
    return Fail(Status::Unavailable("standard output could not be written"), std::cerr);
  }
  return code;
}

}  // namespace nokv::cli
