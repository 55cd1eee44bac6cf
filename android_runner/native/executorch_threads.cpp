#include "executorch_threads.h"

#include <cstdint>
#include <stdexcept>

#if __has_include(<executorch/extension/threadpool/threadpool.h>)
#include <executorch/extension/threadpool/threadpool.h>
#else
// The wheel has the class in its library and leaves its header out. These are the
// members used here; nothing makes, copies or measures one of these objects.
namespace executorch::extension::threadpool {
class ThreadPool {
 public:
  std::size_t get_thread_count() const;
  bool _unsafe_reset_threadpool(std::uint32_t threads);
};
ThreadPool* get_threadpool();
}  // namespace executorch::extension::threadpool
#endif

namespace pocketbench {

int resize_executorch_pool(int threads) {
  auto* pool = executorch::extension::threadpool::get_threadpool();
  if (pool == nullptr) return 1;
  // Safe before anything is loaded: nothing has taken the old pool yet.
  if (!pool->_unsafe_reset_threadpool(static_cast<std::uint32_t>(threads))) {
    throw std::runtime_error("the thread pool cannot be resized");
  }
  return static_cast<int>(pool->get_thread_count());
}

}  // namespace pocketbench
