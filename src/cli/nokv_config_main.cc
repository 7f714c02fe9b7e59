#include "cli/main.h"
#include "cli/nokv_commands.h"

int main(int argc, char** argv) {
  return nokv::cli::RunMain(nokv::cli::NokvConfigProgram(), argc, argv, nullptr);
}
