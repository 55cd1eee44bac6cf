// Where tensors lie in memory, which moves latencies as much as a model does.
#pragma once

namespace pocketbench {

// Makes an inference cost the same wherever the allocations of a model happen to fall.
//
// Left alone, glibc gives some blocks back to the kernel whenever they are freed and
// others not, by what lies next to them, and puts the rest where what was allocated
// before leaves room. Builds of a network that differ in nothing that counts are so 16 %
// apart in launch after launch (docs/statistics.md). From now on freed memory stays
// with the process, and every tensor begins and ends at a random place, another one
// whenever it is allocated: what placement does is noise that launches show, as in
// Curtsinger and Berger, "Stabilizer" (ASPLOS 2013).
//
// False, and nothing is changed, where the C library is another: what Android's and
// Apple's do is what an app on the phone has, too.
bool make_heap_steady();

}  // namespace pocketbench
