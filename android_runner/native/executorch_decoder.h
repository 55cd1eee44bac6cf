// A .pte file that generates: a KV cache inside, tokens and their position as inputs.
#pragma once

#include <executorch/extension/module/module.h>
#include <executorch/extension/tensor/tensor.h>

#include <set>

#include "generation.h"

namespace pocketbench {

// As ExecuTorch's export of Llama makes them: `forward(tokens [1, N], position)` gives
// the logits of the last token or of all. The position is [1], of the first token, or
// [N], of each of them. What the file says of itself in methods like
// `get_max_context_len` is believed.
class ExecutorchDecoder final : public Decoder {
 public:
  // Throws std::invalid_argument, with what is missing, where it is no such file.
  ExecutorchDecoder(
      executorch::extension::Module& module, executorch::runtime::Method& method);

  std::int64_t vocabulary_size() const override { return vocabulary_size_; }
  std::optional<std::int64_t> context_tokens() const override {
    return context_tokens_;
  }
  std::int64_t most_step_tokens() const override { return most_step_tokens_; }
  bool ends(std::int64_t token) const override { return end_tokens_.contains(token); }
  std::int64_t step(
      std::span<const std::int64_t> tokens, std::int64_t position) override;
  double loss_of(std::int64_t token) const override;

 private:
  executorch::runtime::Method& method_;
  std::int64_t vocabulary_size_ = 0;
  std::int64_t most_step_tokens_ = 0;
  bool has_position_of_each_ = false;
  std::optional<std::int64_t> context_tokens_;
  std::set<std::int64_t> end_tokens_;
  std::vector<std::int64_t> positions_;
};

}  // namespace pocketbench
