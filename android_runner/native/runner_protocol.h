// JSON Lines on standard output: how a program reports what it measured.
//
// Every line is one flat object, written whole; each key occurs once in an output.
// In this order, as far as the launch gets:
//
//   {"wire": 1, "runner": "lite", "runtime": "torch 2.13.0", "pid": 1, "threads": 1,
//    "seed": 0, ...}        what measures; `threads` is what the runtime says it uses
//   {"load_ns": 1}
//   {"inputs": "bundled", "generated" or "given", "input_count": 1}
//   {"first_latency_ns": 1}
//   {"warmup_latencies_ns": [1,1]}
//   {"latencies_ns": [1,1]}
//   {"gaps_ns": [1,1], "began_uptime_ns": 1}   asked for with --gaps: the time before
//                      each of these inferences, and the system's uptime at the first;
//                      null where the system does not say
//   {"iterations": 2, "kept_every": 1, "stopped": false}   with --min-duration-ms: of
//                      so many that were run each first of `kept_every` is kept
//   {"rss_before_load_bytes": 1, "rss_after_load_bytes": 1, "peak_rss_bytes": 1,
//    "swap_bytes": 0, "rss_bytes": 1, "pss_bytes": 1, "os_threads": 1}
//                                        null where the system does not say
//   {"output_digest": "<sha256 of the first output's bytes>"}
//
// and then, asked for a profile of the operators, of further inferences
//
//   {"profiled_latencies_ns": [1,1]}      whole ones, slower for being observed
//   {"operator_names": ["aten::add"], "operator_backends": [""],
//    "operator_dtypes": ["float32"], "operator_nodes": [0], "operator_calls": [2],
//    "operator_self_ns": [1]}       sums over them, see operators.h; node -1: those of
//                                   a model that loops, past the first 2000
//
// or, at the point where it fails,
//
//   {"error": "flags" or "load" or "inputs" or "forward" or "profile"
//    or "generate", "message": "..."}
//
// or, asked for outputs, after the line of the inputs one for each set of them,
//
//   {"output_0": ["float32:1x1000:<base64>", ...]}   of each tensor
//
// or, asked to generate, after the line of the load
//
//   {"mean_loss_millionths": 2345678}   with --score-ids: of their negative natural
//                                   logarithms of probability
//   {"prompt_tokens": 2, "kv_depth": 0, "vocabulary_size": 8, "context_tokens": 64,
//    "rss_after_prefill_bytes": 1}  the context is null where the file does not report
//                                   it, the memory without a warm-up generation
//   {"token_ns": [1,2], "token_ids": [5,3], "stopped_early": false}   each when it was
//                                   there, since the prefill began, see generation.h
//   and, with --min-duration-ms, of further generations the lines of latencies, gaps
//   and iterations, in which an iteration is the step of each token but the first;
//   and the line of the memory
//
// or, asked to prepack, the first line without threads and seed, and then the model's
// file in base64, and how far its answers are from the original's (null: the same)
//
//   {"prepacked_operators": ["aten::relu"], "sqnr_db": 120, "prepacked": "<base64>"}
//
// or, asked to spin, a first line without threads and seed, and then
//
//   {"spin_rounds": 1, "spin_elapsed_ns": 1}
//
// and last, always, the seal {"end": true, "lines": N, "sha256": H}: H is of the N
// lines before it with their newlines, so that an output that was cut off or garbled
// is never read as a measurement. A line that does not begin with `{` is not ours and
// is not counted. A reader ignores keys it does not know; `wire` changes when a reader
// of the old form would misread the new one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sha256.h"

namespace pocketbench {

inline constexpr int kProtocolVersion = 1;

// One JSON object under construction.
class Line {
 public:
  Line& add(std::string_view key, std::int64_t value);
  Line& add(std::string_view key, std::optional<std::int64_t> value);
  Line& add(std::string_view key, std::span<const std::int64_t> values);
  Line& add(std::string_view key, std::span<const std::string> values);
  Line& add_text(std::string_view key, std::string_view value);
  Line& add_flag(std::string_view key, bool value);

  std::string text() const { return "{" + fields_ + "}"; }

 private:
  void begin(std::string_view key);

  std::string fields_;
};

// `text` as a JSON string; bytes that are not UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

class ProtocolWriter {
 public:
  explicit ProtocolWriter(int file_descriptor) : file_descriptor_(file_descriptor) {}

  void write(const Line& line);
  void seal();

 private:
  void write_bytes(std::string_view bytes) const;

  int file_descriptor_;
  std::int64_t lines_ = 0;
  Sha256 hash_;
};

}  // namespace pocketbench
