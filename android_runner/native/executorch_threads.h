// The size of ExecuTorch's thread pool, which XNNPACK and the kernels share.
#pragma once

namespace pocketbench {

// Returns how many threads there are then.
int resize_executorch_pool(int threads);

}  // namespace pocketbench
