#include "rpc/stream/event_loop.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <csignal>
#include <thread>
#include <vector>

#include "rpc/stream/signal_pipe.h"

namespace nokv::rpc::stream {
namespace {

class Recorder final : public Polled {
 public:
  explicit Recorder(std::function<void(uint32_t)> on_events) : on_events_(std::move(on_events)) {}
  void OnEvents(uint32_t events) override { on_events_(events); }

 private:
  const std::function<void(uint32_t)> on_events_;
};

// A pipe with a byte in it, which makes its reading end ready for as long as it is open.
class ReadyPipe {
 public:
  ReadyPipe() {
    EXPECT_EQ(pipe(ends_), 0);
    EXPECT_EQ(write(ends_[1], "x", 1), 1);
  }
  ~ReadyPipe() {
    close(ends_[0]);
    close(ends_[1]);
  }
  int fd() const { return ends_[0]; }

 private:
  int ends_[2];
};

TEST(EventLoopTest, TasksOfARoundRunWhenItsSocketsAreServed) {
  EventLoop loop;
  const ReadyPipe first, second;
  std::vector<int> order;
  Recorder one([&](uint32_t) {
    loop.Post([&] { order.push_back(3); });
    order.push_back(1);
    loop.Remove(first.fd());
  });
  Recorder two([&](uint32_t) {
    order.push_back(1);
    loop.Remove(second.fd());
  });
  loop.Add(first.fd(), one, EPOLLIN);
  loop.Add(second.fd(), two, EPOLLIN);
  EXPECT_EQ(loop.RunReady(), 3U);
  EXPECT_EQ(order, (std::vector<int>{1, 1, 3}));
}

TEST(EventLoopTest, ATaskOfAnotherThreadWakesIt) {
  EventLoop loop;
  std::thread other([&] { loop.Post([&] { loop.Stop(); }); });
  loop.Run();
  EXPECT_TRUE(loop.OnLoopThread());
  other.join();
}

// Plays ball with the loop: each time it has been told, the other thread lets it know by a pipe.
uint64_t SleepsWhilePlaying(uint64_t poll_micros, int turns) {
  EventLoop loop(poll_micros);
  int there[2];
  int back[2];
  EXPECT_EQ(pipe(there), 0);
  EXPECT_EQ(pipe(back), 0);
  std::thread other([&] {
    char ball;
    while (read(there[0], &ball, 1) == 1 && write(back[1], &ball, 1) == 1) {
    }
  });
  Recorder player([&](uint32_t) {
    char ball;
    EXPECT_EQ(read(back[0], &ball, 1), 1);
    if (--turns == 0) return loop.Stop();
    EXPECT_EQ(write(there[1], &ball, 1), 1);
  });
  loop.Add(back[0], player, EPOLLIN);
  EXPECT_EQ(write(there[1], "o", 1), 1);
  loop.Run();
  close(there[1]);
  other.join();
  for (const int fd : {there[0], back[0], back[1]}) close(fd);
  return loop.sleeps();
}

TEST(EventLoopTest, PollsInsteadOfSleepingWhileEventsComeFast) {
  constexpr uint64_t kAnHour = 3'600'000'000;
  EXPECT_LE(SleepsWhilePlaying(kAnHour, 100), 1U);  // before it knows that they do
  EXPECT_GE(SleepsWhilePlaying(0, 100), 100U);
}

TEST(EventLoopTest, SleepsWhenItHasPolledInVain) {
  EventLoop loop(/*poll_micros=*/2000);
  const ReadyPipe at_once;
  Recorder one([&](uint32_t) {
    loop.Remove(at_once.fd());
    loop.StartTimer(20, [&] { loop.Stop(); });
  });
  loop.Add(at_once.fd(), one, EPOLLIN);
  loop.Run();
  EXPECT_EQ(loop.sleeps(), 2U);
}

TEST(EventLoopTest, ATimerIsNotLateBecauseItPolls) {
  EventLoop loop(/*poll_micros=*/3'600'000'000);
  const ReadyPipe at_once;
  Recorder one([&](uint32_t) {
    loop.Remove(at_once.fd());
    loop.StartTimer(1, [&] { loop.Stop(); });
  });
  loop.Add(at_once.fd(), one, EPOLLIN);
  loop.Run();
  EXPECT_EQ(loop.sleeps(), 1U);
}

TEST(EventLoopTest, StopsAlsoIfAskedBeforeItRuns) {
  EventLoop loop;
  loop.Stop();
  loop.Run();
}

TEST(EventLoopTest, TimersFireInOrderAndNotOnceCancelled) {
  EventLoop loop;
  std::vector<int> fired;
  loop.StartTimer(2, [&] {
    fired.push_back(2);
    loop.Stop();
  });
  const auto cancelled = loop.StartTimer(1, [&] { fired.push_back(0); });
  loop.StartTimer(1, [&] { fired.push_back(1); });
  loop.CancelTimer(cancelled);
  loop.Run();
  EXPECT_EQ(fired, (std::vector<int>{1, 2}));
}

TEST(EventLoopTest, ATimerMayCancelAnotherThatIsDue) {
  EventLoop loop;
  EventLoop::TimerId second = 0;
  bool fired = false;
  loop.StartTimer(0, [&] { loop.CancelTimer(second); });
  second = loop.StartTimer(0, [&] { fired = true; });
  while (loop.RunReady() == 0) {
  }
  EXPECT_FALSE(fired);
}

TEST(SignalPipeTest, SignalsBecomeEventsWhileItIsThere) {
  EventLoop loop;
  std::vector<int> got;
  {
    const SignalPipe pipe(loop, {SIGUSR1, SIGUSR2}, [&](int signal) { got.push_back(signal); });
    std::raise(SIGUSR2);
    std::raise(SIGUSR1);
    loop.RunReady();
  }
  EXPECT_EQ(got, (std::vector<int>{SIGUSR2, SIGUSR1}));
  struct sigaction now{};
  ASSERT_EQ(sigaction(SIGUSR1, nullptr, &now), 0);
  EXPECT_EQ(now.sa_handler, SIG_DFL);
}

}  // namespace
}  // namespace nokv::rpc::stream
