// How the servers' allocator is set up; jemalloc reads this name when the process starts.
//
// Huge pages: a memtable is tens of megabytes that are read all over, and without them every other
// look at it misses the processor's table of pages, too. A thread of its own gives memory back, so
// that the event loop does not.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "thp:always,background_thread:true";
}
