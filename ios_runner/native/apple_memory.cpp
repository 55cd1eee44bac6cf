// What the kernel says this process holds, on Apple's systems.
//
// The figure is phys_footprint, which Xcode shows and by which iOS kills: dirty and
// compressed pages, and not the clean ones of a mapped file, which Linux counts as
// resident. Compare it with other Apple devices only.
#include <mach/mach.h>

#include "memory.h"

namespace pocketbench {

ProcessStatus read_process_status() {
  ProcessStatus status;
  task_vm_info_data_t info = {};
  mach_msg_type_number_t count = TASK_VM_INFO_COUNT;
  if (task_info(mach_task_self(), TASK_VM_INFO, reinterpret_cast<task_info_t>(&info),
                &count) == KERN_SUCCESS) {
    status.rss_bytes = static_cast<std::int64_t>(info.phys_footprint);
    if (count >= TASK_VM_INFO_REV3_COUNT) {
      status.peak_rss_bytes = info.ledger_phys_footprint_peak;
    }
  }
  thread_act_array_t threads = nullptr;
  mach_msg_type_number_t thread_count = 0;
  if (task_threads(mach_task_self(), &threads, &thread_count) == KERN_SUCCESS) {
    status.threads = thread_count;
    for (mach_msg_type_number_t i = 0; i < thread_count; ++i) {
      mach_port_deallocate(mach_task_self(), threads[i]);
    }
    vm_deallocate(mach_task_self(), reinterpret_cast<vm_address_t>(threads),
                  thread_count * sizeof(thread_act_t));
  }
  // Compressed pages are part of the footprint already: no swap of their own.
  return status;
}

std::optional<std::int64_t> read_pss_bytes() { return std::nullopt; }

}  // namespace pocketbench
