// Allocates as torch does for tensors, once the heap is steady: prints a line for each
// tensor, its size and its address, and last the page faults of using them again.
#include <c10/core/CPUAllocator.h>
#include <sys/resource.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#include "lite_heap.h"

namespace {

constexpr std::size_t kLarge = 40 << 20;  // glibc on its own never keeps as much

long page_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

void use_and_free(std::size_t bytes) {
  const c10::DataPtr tensor = c10::GetCPUAllocator()->allocate(bytes);
  std::memset(tensor.get(), 1, bytes);
}

}  // namespace

int main(int argc, char**) {
  if (argc == 1 && !pocketbench::make_heap_steady()) return 1;
  std::vector<c10::DataPtr> tensors;
  for (const std::size_t bytes : {1, 64, 200, 4096, 100'000, 1 << 20}) {
    for (int i = 0; i < 40; ++i) {
      tensors.push_back(c10::GetCPUAllocator()->allocate(bytes));
      std::memset(tensors.back().get(), i, bytes);
      std::printf(
          "%zu %zu\n", bytes, reinterpret_cast<std::uintptr_t>(tensors.back().get()));
    }
  }
  const c10::DataPtr nothing = c10::GetCPUAllocator()->allocate(0);
  if (nothing.get() != nullptr) return 2;
  tensors.clear();
  use_and_free(kLarge);
  const long before = page_faults();
  for (int i = 0; i < 10; ++i) use_and_free(kLarge);
  std::printf("faults %ld\n", page_faults() - before);
  return 0;
}
