// A program whose iterations all do 15 ms of work, and which measures them by a clock
// that stands still while another process has the core. What is left is the time for
// which the program itself was paused, whatever else this computer does.
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "clock.h"
#include "runner_protocol.h"

namespace {

constexpr std::int64_t kWorkNs = 15'000'000;

std::int64_t worked_ns() {
  timespec used;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return used.tv_sec * 1'000'000'000LL + used.tv_nsec;
}

// Ready to run, and another had the core (proc(5), schedstat).
std::int64_t waited_ns() {
  std::ifstream file("/proc/self/schedstat");
  std::int64_t ran = 0, waited = 0;
  if (!(file >> ran >> waited)) std::exit(3);
  return waited;
}

std::int64_t time_work(std::int64_t work_ns) {
  const std::int64_t waited = waited_ns(), start = pocketbench::now_ns();
  for (const std::int64_t end = worked_ns() + work_ns; worked_ns() < end;) {
  }
  return pocketbench::now_ns() - start - (waited_ns() - waited);
}

// Until `count` are done and so much time has passed; `gaps` get the time between.
std::vector<std::int64_t> times_for(
    int count, std::int64_t least_ns, std::vector<std::int64_t>& gaps) {
  std::vector<std::int64_t> found;
  const std::int64_t began = pocketbench::now_ns();
  std::int64_t reported = 0;  // of the time since then
  for (int i = 0; i < count || pocketbench::now_ns() - began < least_ns; ++i) {
    gaps.push_back(std::max<std::int64_t>(0, pocketbench::now_ns() - began - reported));
    found.push_back(time_work(kWorkNs));
    reported += gaps.back() + found.back();
  }
  return found;
}

std::vector<std::int64_t> times(int count) {
  std::vector<std::int64_t> found;
  for (int i = 0; i < count; ++i) found.push_back(time_work(kWorkNs));
  return found;
}

}  // namespace

int main(int argc, char** argv) {
  using pocketbench::Line;
  pocketbench::ProtocolWriter writer(1);
  Line first;
  first.add("wire", pocketbench::kProtocolVersion)
      .add_text("runner", "steady")
      .add_text("runtime", "none")
      .add("pid", std::int64_t{1});
  if (argc == 3 && std::string(argv[1]) == "--spin-ms") {
    writer.write(first);
    const std::int64_t rounds = std::atoi(argv[2]) / 15 + 1;
    std::int64_t elapsed_ns = 0;
    for (const std::int64_t ns : times(static_cast<int>(rounds))) elapsed_ns += ns;
    writer.write(Line().add("spin_rounds", rounds).add("spin_elapsed_ns", elapsed_ns));
    writer.seal();
    return 0;
  }
  if (argc != 3 && argc != 4) return 2;
  const std::int64_t least_ns = argc == 4 ? std::atoll(argv[3]) * 1'000'000 : 0;
  writer.write(first.add("threads", std::int64_t{1}).add("seed", std::int64_t{0}));
  const std::vector<std::int64_t> warmup = times(std::atoi(argv[1]));
  const std::int64_t uptime_ns = pocketbench::uptime_ns().value_or(0);
  std::vector<std::int64_t> gaps;
  const std::vector<std::int64_t> main =
      times_for(std::atoi(argv[2]), least_ns, gaps);
  writer.write(Line().add("load_ns", std::int64_t{1}));
  writer.write(Line().add_text("inputs", "none").add("input_count", std::int64_t{1}));
  writer.write(Line().add("first_latency_ns", warmup.front()));
  writer.write(Line().add("warmup_latencies_ns", warmup));
  writer.write(Line().add("latencies_ns", main));
  if (argc == 4) {
    writer.write(Line().add("gaps_ns", gaps).add("began_uptime_ns", uptime_ns));
  }
  writer.write(Line()
                 .add("rss_before_load_bytes", std::int64_t{1})
                 .add("rss_after_load_bytes", std::int64_t{1})
                 .add("peak_rss_bytes", std::int64_t{1})
                 .add("swap_bytes", std::int64_t{0}));
  writer.write(Line().add_text("output_digest", std::string(64, '0')));
  writer.seal();
  return 0;
}
