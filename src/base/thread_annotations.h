// Clang's thread-safety attributes under the names of its documentation; nothing on other
// compilers.
#pragma once

#if defined(__clang__)
#define NOKV_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define NOKV_THREAD_ANNOTATION(x)
#endif

#define CAPABILITY(x) NOKV_THREAD_ANNOTATION(capability(x))
#define SCOPED_CAPABILITY NOKV_THREAD_ANNOTATION(scoped_lockable)
#define GUARDED_BY(x) NOKV_THREAD_ANNOTATION(guarded_by(x))
#define PT_GUARDED_BY(x) NOKV_THREAD_ANNOTATION(pt_guarded_by(x))
#define ACQUIRED_AFTER(...) NOKV_THREAD_ANNOTATION(acquired_after(__VA_ARGS__))
#define REQUIRES(...) NOKV_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) NOKV_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) NOKV_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define TRY_ACQUIRE(...) NOKV_THREAD_ANNOTATION(try_acquire_capability(__VA_ARGS__))
#define RELEASE(...) NOKV_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS NOKV_THREAD_ANNOTATION(no_thread_safety_analysis)
