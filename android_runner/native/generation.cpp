#include "generation.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "clock.h"
#include "memory.h"
#include "seeded.h"

namespace pocketbench {
namespace {

// Streams of the seed.
constexpr std::uint32_t kPrompt = 0;
constexpr std::uint32_t kDepth = 1;

// In as few calls as the decoder allows; the most likely token after the last.
std::int64_t feed(
    Decoder& decoder, std::span<const std::int64_t> tokens, std::int64_t position) {
  const auto most = static_cast<std::size_t>(decoder.most_step_tokens());
  std::int64_t next = 0;
  for (std::size_t done = 0; done < tokens.size(); done += most) {
    const auto part = tokens.subspan(done, std::min(most, tokens.size() - done));
    next = decoder.step(part, position + static_cast<std::int64_t>(done));
  }
  return next;
}

void check_ids(
    const Decoder& decoder, std::span<const std::int64_t> ids, const char* where) {
  const std::int64_t largest = *std::max_element(ids.begin(), ids.end());
  if (largest < decoder.vocabulary_size()) return;
  throw std::invalid_argument(
      "token id " + std::to_string(largest) + " of " + where + " is not in the " +
      "vocabulary of " + std::to_string(decoder.vocabulary_size()) + " tokens");
}

void fill_cache(Decoder& decoder, const Flags& flags) {
  std::vector<std::int64_t> before(static_cast<std::size_t>(flags.kv_depth));
  fill_below(before, decoder.vocabulary_size(), flags.seed, kDepth);
  feed(decoder, before, 0);
}

}  // namespace

std::vector<std::int64_t> checked_prompt(const Decoder& decoder, const Flags& flags) {
  std::vector<std::int64_t> ids = flags.prompt_ids;
  if (ids.empty()) {
    ids.resize(static_cast<std::size_t>(flags.prompt_tokens));
    fill_below(ids, decoder.vocabulary_size(), flags.seed, kPrompt);
  }
  check_ids(decoder, ids, "the prompt");
  const auto context = decoder.context_tokens();
  const auto count = static_cast<std::int64_t>(ids.size());
  if (context && flags.kv_depth + count + flags.new_tokens > *context) {
    throw std::invalid_argument(
        "depth " + std::to_string(flags.kv_depth) + ", " + std::to_string(count) +
        " prompt tokens and " + std::to_string(flags.new_tokens) +
        " new tokens are more than the context of " + std::to_string(*context) +
        " tokens");
  }
  return ids;
}

void generate_tokens(
    Decoder& decoder,
    std::span<const std::int64_t> prompt,
    std::int64_t position,
    std::int64_t new_tokens,
    Generated& made) {
  made.token_ns.reserve(static_cast<std::size_t>(new_tokens));
  made.token_ids.reserve(static_cast<std::size_t>(new_tokens));
  const std::int64_t start_ns = now_ns();
  std::int64_t token = feed(decoder, prompt, position);
  made.token_ns.push_back(now_ns() - start_ns);
  made.start_ns = start_ns;
  made.token_ids.push_back(token);
  position += static_cast<std::int64_t>(prompt.size());
  for (std::int64_t i = 1; i < new_tokens && !decoder.ends(token); ++i) {
    token = decoder.step({&token, 1}, position++);
    made.token_ns.push_back(now_ns() - start_ns);
    made.token_ids.push_back(token);
  }
  made.stopped_early = static_cast<std::int64_t>(made.token_ids.size()) < new_tokens;
}

double mean_loss(Decoder& decoder, std::span<const std::int64_t> tokens) {
  check_ids(decoder, tokens, "the scored tokens");
  const auto context = decoder.context_tokens();
  if (context && static_cast<std::int64_t>(tokens.size()) > *context) {
    throw std::invalid_argument(
        std::to_string(tokens.size()) + " scored tokens are more than the context of " +
        std::to_string(*context) + " tokens");
  }
  double sum = 0;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    decoder.step(tokens.subspan(i, 1), static_cast<std::int64_t>(i));
    sum += decoder.loss_of(tokens[i + 1]);
  }
  return sum / static_cast<double>(tokens.size() - 1);
}

Generation generate(
    Decoder& decoder, std::span<const std::int64_t> prompt, const Flags& flags) {
  Generation result;
  for (int i = 0; i < flags.warmup_generations; ++i) {
    fill_cache(decoder, flags);
    feed(decoder, prompt, flags.kv_depth);
    result.rss_after_prefill_bytes = read_process_status().rss_bytes;
    Generated ignored;
    generate_tokens(decoder, prompt, flags.kv_depth, flags.new_tokens, ignored);
  }
  result.measured = generate_again(decoder, prompt, flags);
  return result;
}

Generated generate_again(
    Decoder& decoder, std::span<const std::int64_t> prompt, const Flags& flags) {
  fill_cache(decoder, flags);
  Generated made;
  generate_tokens(decoder, prompt, flags.kv_depth, flags.new_tokens, made);
  return made;
}

}  // namespace pocketbench
