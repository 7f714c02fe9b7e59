# nokv-redis: the Redis gateway over an embedded engine.
find_library(NOKV_JEMALLOC jemalloc REQUIRED)

add_library(nokv_redis_server STATIC redis_server.cc)
target_link_libraries(nokv_redis_server PUBLIC nokv_cli nokv_redis nokv_engine nokv_runtime nokv_vfs)
add_executable(nokv-redis nokv_redis_main.cc allocator.cc)
target_link_libraries(nokv-redis PRIVATE nokv_redis_server ${NOKV_JEMALLOC})
nokv_program(nokv-redis)
