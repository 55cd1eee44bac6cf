// Hears of every kernel and every delegated operator that ExecuTorch runs.
#pragma once

#include <executorch/runtime/core/event_tracer.h>

#include <string>
#include <vector>

#include "operators.h"

namespace pocketbench {

// What the runtime and its delegates call around operators, turned into times; all
// what it hears about values and memory is ignored.
//
// A kernel's name is `native_call_add.out`, without its namespace. A delegate that
// reports no operators counts as one itself: `DELEGATE_CALL`. XNNPACK reports whole
// microseconds, so that what it cuts off is left with the call of the delegate.
class ExecutorchObserver final : public executorch::runtime::EventTracer {
 public:
  // `delegate`: the name for operators of delegates.
  ExecutorchObserver(OperatorTimes& times, std::string delegate);

  executorch::runtime::EventTracerEntry start_profiling(
      const char* name,
      executorch::runtime::ChainID chain_id,
      executorch::runtime::DebugHandle debug_handle) override;
  void end_profiling(executorch::runtime::EventTracerEntry entry) override;

  executorch::runtime::EventTracerEntry start_profiling_delegate(
      const char* name,
      executorch::runtime::DelegateDebugIntId id) override;
  void end_profiling_delegate(
      executorch::runtime::EventTracerEntry entry,
      const void* metadata,
      std::size_t metadata_len) override;
  void log_profiling_delegate(
      const char* name,
      executorch::runtime::DelegateDebugIntId id,
      et_timestamp_t start_time,
      et_timestamp_t end_time,
      const void* metadata,
      std::size_t metadata_len) override;

  void create_event_block(const char*) override {}
  void track_allocation(executorch::runtime::AllocatorID, std::size_t) override {}
  executorch::runtime::AllocatorID track_allocator(const char*) override { return 0; }
  executorch::runtime::Result<bool> log_evalue(
      const executorch::runtime::EValue&,
      executorch::runtime::LoggedEValueType) override {
    return false;
  }
  executorch::runtime::Result<bool> log_intermediate_output_delegate(
      const char*,
      executorch::runtime::DelegateDebugIntId,
      const executorch::aten::Tensor&) override {
    return false;
  }
  executorch::runtime::Result<bool> log_intermediate_output_delegate(
      const char*,
      executorch::runtime::DelegateDebugIntId,
      const executorch::runtime::ArrayRef<executorch::aten::Tensor>) override {
    return false;
  }
  executorch::runtime::Result<bool> log_intermediate_output_delegate(
      const char*,
      executorch::runtime::DelegateDebugIntId,
      const int&) override {
    return false;
  }
  executorch::runtime::Result<bool> log_intermediate_output_delegate(
      const char*,
      executorch::runtime::DelegateDebugIntId,
      const bool&) override {
    return false;
  }
  executorch::runtime::Result<bool> log_intermediate_output_delegate(
      const char*,
      executorch::runtime::DelegateDebugIntId,
      const double&) override {
    return false;
  }
  void set_delegation_intermediate_output_filter(
      executorch::runtime::EventTracerFilterBase*) override {}

 private:
  OperatorTimes& times_;
  std::string delegate_;
  std::vector<bool> is_counted_;  // of each scope that is open
};

}  // namespace pocketbench
