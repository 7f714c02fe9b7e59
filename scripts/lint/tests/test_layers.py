import unittest

from lint_test_case import LintTestCase


class LayersTest(LintTestCase):
    def test_accepts_a_clean_tree(self):
        self.assert_passes("layers")

    def test_refuses_an_include_of_a_higher_floor(self):
        self.append("src/base/bytes.cc", '#include "wal/log.h"\n')
        self.assert_fails("layers", "src/base/bytes.cc:6: base includes wal/log.h but does not name wal")

    def test_refuses_a_dependency_on_a_higher_floor(self):
        self.write("src/base/CMakeLists.txt",
                   "nokv_module(NAME base HEADERS bytes.h SOURCES bytes.cc DEPS wal)\n")
        self.assert_fails("layers", "base may not use wal")

    def test_refuses_a_dependency_that_is_not_named(self):
        self.write("src/wal/CMakeLists.txt", "nokv_module(NAME wal HEADERS log.h SOURCES log.cc)\n")
        self.assert_fails("layers", "wal includes base/bytes.h but does not name base in DEPS")

    def test_lets_only_tests_use_test_dependencies(self):
        self.write("src/lsm/CMakeLists.txt",
                   "nokv_module(NAME lsm SOURCES a.cc TESTS a_test.cc TEST_DEPS wal)\n")
        self.write("src/lsm/a_test.cc", '#include "wal/log.h"\n')
        self.write("src/lsm/a.cc", "\n")
        self.assert_passes("layers")
        self.write("src/lsm/a.cc", '#include "wal/log.h"\n')
        self.assert_fails("layers", "src/lsm/a.cc:1: lsm includes wal/log.h")

    def test_lets_a_program_beside_a_library_use_what_it_links(self):
        self.write("src/lsm/CMakeLists.txt", "nokv_module(NAME lsm SOURCES a.cc)\ninclude(tool.cmake)\n")
        self.write("src/lsm/tool.cmake", "add_executable(tool tool_main.cc)\n"
                   "target_link_libraries(tool PRIVATE nokv_lsm nokv_wal)\n")
        self.write("src/lsm/tool_main.cc", '#include "wal/log.h"\n')
        self.assert_passes("layers")
        self.write("src/lsm/a.cc", '#include "wal/log.h"\n')
        self.assert_fails("layers", "src/lsm/a.cc:1: lsm includes wal/log.h")

    def test_refuses_sim_and_bench_in_src(self):
        self.append("src/wal/log.cc", '#include "sim/world.h"\n#include "bench/load.h"\n')
        self.assert_fails("layers", "src/ may not use sim/", "src/ may not use bench/")

    def test_knows_a_module_inside_the_folder_of_another(self):
        self.write("scripts/lint/layers.txt", "0 base | x\n1 wal/index | x\n1 wal | x\n")
        self.write("src/wal/index/CMakeLists.txt", "nokv_module(NAME wal_index HEADERS index.h)\n")
        self.write("src/wal/index/index.h", "#pragma once\n")
        self.append("src/wal/log.cc", '#include "wal/index/index.h"\n')
        self.assert_fails("layers", "wal includes wal/index/index.h but does not name wal_index in DEPS")
        self.write("src/wal/CMakeLists.txt", "nokv_module(NAME wal DEPS base wal_index)\n")
        self.assert_passes("layers")

    def test_refuses_a_module_without_a_floor(self):
        self.write("src/extra/CMakeLists.txt", "nokv_module(NAME extra)\n")
        self.assert_fails("layers", "module extra is not in scripts/lint/layers.txt")

    def test_refuses_third_party_headers_where_they_would_spread(self):
        self.write("include/nokv/db.h", "#pragma once\n#include <absl/strings/cord.h>\n")
        self.append("src/wal/log.h", '#include "wal/json.h"\n')
        self.write("src/wal/json.h", "#pragma once\n#include <nlohmann/json.hpp>\n")
        self.write("src/lsm/CMakeLists.txt", "nokv_module(NAME lsm SOURCES a.cc DEPS wal)\n")
        self.write("src/lsm/a.cc", '#include "wal/log.h"\n')
        self.assert_fails("layers", "a public header may not include <absl/strings/cord.h>",
                          'src/lsm/a.cc:1: "wal/log.h" brings in <nlohmann/json.hpp>')

    def test_counts_generated_headers_as_heavy_ones_of_proto(self):
        self.append("scripts/lint/layers.txt", "2 proto | x\n3 transport | x\n")
        self.write("src/proto/CMakeLists.txt", "nokv_module(NAME proto)\n")
        self.write("src/transport/CMakeLists.txt",
                   "nokv_module(NAME transport HEADERS a.h SOURCES a.cc)\n")
        self.write("src/transport/a.h", "#pragma once\n")
        self.write("src/transport/a.cc", "#include <nokv/raft/v1/raft.pb.h>\n")
        self.assert_fails("layers", "src/transport/a.cc:1: transport includes nokv/raft/v1/raft.pb.h "
                          "but does not name proto")
        self.write("src/transport/CMakeLists.txt",
                   "nokv_module(NAME transport HEADERS a.h SOURCES a.cc DEPS proto)\n")
        self.assert_passes("layers")
        self.write("src/transport/a.h", "#pragma once\n#include <nokv/raft/v1/raft.pb.h>\n")
        self.append("scripts/lint/layers.txt", "4 store | x\n")
        self.write("src/store/CMakeLists.txt", "nokv_module(NAME store SOURCES b.cc DEPS transport)\n")
        self.write("src/store/b.cc", '#include "transport/a.h"\n')
        self.assert_fails("layers", '"transport/a.h" brings in <nokv/raft/v1/raft.pb.h>')

    def test_keeps_rpc_and_contracts_out_of_what_is_embedded(self):
        self.append("scripts/lint/layers.txt", "2 rpc/grpc | x\n3 vlog | x\n4 engine | x\n")
        self.write("src/rpc/grpc/CMakeLists.txt", "nokv_module(NAME rpc_grpc)\n")
        self.write("src/vlog/CMakeLists.txt", "nokv_module(NAME vlog DEPS base)\n")
        self.write("src/engine/CMakeLists.txt", "nokv_module(NAME engine DEPS vlog)\n")
        self.assert_passes("layers")
        self.write("src/vlog/CMakeLists.txt", "nokv_module(NAME vlog DEPS rpc_grpc)\n")
        self.assert_fails("layers", "the embedded library reaches rpc/grpc")

    def test_refuses_an_architecture_page_with_another_table(self):
        self.write("ARCHITECTURE.md", "<!-- layers:begin -->\nold\n<!-- layers:end -->\n")
        self.assert_fails("layers", "its layer table differs")
        self.assert_passes("layers", "--write")


if __name__ == "__main__":
    unittest.main()
