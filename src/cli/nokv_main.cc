#include "cli/inspect_directory.h"
#include "cli/main.h"
#include "cli/nokv_commands.h"
#include "cli/tso_server.h"
#include "vfs/vfs.h"

int main(int argc, char** argv) {
  // nokv-tso is a link to this program.
  const bool is_tso = argc > 0 && nokv::vfs::BaseName(argv[0]) == "nokv-tso";
  return nokv::cli::RunMain(is_tso ? nokv::cli::NokvTsoProgram() : nokv::cli::NokvProgram(), argc,
                            argv, nokv::cli::InspectDirectory);
}
