#include "lite_heap.h"

#include <cstdlib>  // any header of the C library says which one it is

#ifdef __GLIBC__

#include <c10/core/CPUAllocator.h>
#include <malloc.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>

namespace pocketbench {
namespace {

constexpr std::size_t kLine = 64;  // of a cache, and what the runtime aligns tensors to
constexpr std::size_t kPage = 4096;  // addresses alias by their place within one

std::size_t random_lines(std::size_t most_bytes) {
  thread_local std::minstd_rand generator{std::random_device{}()};
  const std::size_t lines = most_bytes / kLine;
  return lines == 0 ? 0 : kLine * (generator() % lines);
}

c10::Allocator& runtimes_own() { return *c10::GetDefaultCPUAllocator(); }

// The block that a tensor lies in is kept in the word before it.
void*& block_of(void* tensor) { return static_cast<void**>(tensor)[-1]; }

void give_back(void* tensor) {
  if (tensor != nullptr) runtimes_own().raw_deallocate(block_of(tensor));
}

class ScatteringAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    void* tensor = nullptr;
    if (bytes > 0) {
      // No more room than the tensor itself takes, so that small ones stay small. The
      // random end moves what is allocated next, whole pages of it in the long run.
      const std::size_t most = std::min(bytes, kPage);
      const std::size_t before = kLine + random_lines(most);
      auto* block = static_cast<std::byte*>(
          runtimes_own().raw_allocate(before + bytes + random_lines(most)));
      tensor = block + before;
      block_of(tensor) = block;
    }
    return {tensor, tensor, &give_back, c10::Device(c10::DeviceType::CPU)};
  }

  c10::DeleterFnPtr raw_deleter() const override { return &give_back; }

  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }
};

}  // namespace

bool make_heap_steady() {
  constexpr int kNever = std::numeric_limits<int>::max();
  if (mallopt(M_MMAP_THRESHOLD, kNever) != 1 || mallopt(M_TRIM_THRESHOLD, kNever) != 1) {
    return false;
  }
  // For the life of the process: tensors outlive any owner.
  static ScatteringAllocator scattering;
  c10::SetCPUAllocator(&scattering, std::numeric_limits<std::uint8_t>::max());
  return true;
}

}  // namespace pocketbench

#else

namespace pocketbench {

bool make_heap_steady() { return false; }

}  // namespace pocketbench

#endif
