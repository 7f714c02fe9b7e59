#include "cli/inspect_directory.h"
#include "cli/main.h"
#include "cli/nokv_commands.h"

int main(int argc, char** argv) {
  return nokv::cli::RunMain(nokv::cli::NokvProgram(), argc, argv, nokv::cli::InspectDirectory);
}
