// Tokens generated one after another, and when each was there; for every engine.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "flags.h"

namespace pocketbench {

// A language model with a cache of keys and values; one class per engine.
class Decoder {
 public:
  virtual ~Decoder() = default;

  virtual std::int64_t vocabulary_size() const = 0;
  // Of the longest sequence; absent where the file does not report it.
  virtual std::optional<std::int64_t> context_tokens() const = 0;
  virtual std::int64_t most_step_tokens() const = 0;  // of one forward call
  virtual bool ends(std::int64_t token) const = 0;    // an end-of-sequence token

  // One forward call on tokens, the first of which has this position in the sequence.
  // Returns the most likely token after the last (the lowest id of equal ones).
  virtual std::int64_t step(
      std::span<const std::int64_t> tokens, std::int64_t position) = 0;

  // The negative logarithm of a token's probability, by what the last step gave.
  virtual double loss_of(std::int64_t token) const = 0;
};

struct Generated {
  std::int64_t start_ns = 0;           // when the prefill began
  std::vector<std::int64_t> token_ns;  // since the prefill began
  std::vector<std::int64_t> token_ids;
  bool stopped_early = false;  // by an end token, which is the last one
};

struct Generation {
  Generated measured;
  // Of a warm-up, for reading it takes longer than a token; absent without any.
  std::optional<std::int64_t> rss_after_prefill_bytes;
};

// The token ids of the prompt: as given, or from the seed. Throws std::invalid_argument
// where the decoder does not know one, or its context is too short for what is asked.
std::vector<std::int64_t> checked_prompt(const Decoder& decoder, const Flags& flags);

// Fills the cache up to the depth, untimed, then generates: the warm-ups and the
// measured one, each from the same prompt at the same place.
Generation generate(
    Decoder& decoder, std::span<const std::int64_t> prompt, const Flags& flags);

// The same once more.
Generated generate_again(
    Decoder& decoder, std::span<const std::int64_t> prompt, const Flags& flags);

// The mean loss of all tokens but the first, each after those before it, one by one from
// the beginning of the cache. Throws std::invalid_argument as `checked_prompt`.
double mean_loss(Decoder& decoder, std::span<const std::int64_t> tokens);

// THE TIMED REGION: the forward calls on a prompt and on each new token. Of a token it
// contains setting the inputs, the forward call, the choice of the most likely token
// (all are part of generating), and one reading of the clock.
void generate_tokens(
    Decoder& decoder,
    std::span<const std::int64_t> prompt,
    std::int64_t position,
    std::int64_t new_tokens,
    Generated& made);

}  // namespace pocketbench
