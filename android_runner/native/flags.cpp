#include "flags.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>

namespace pocketbench {
namespace {

std::int64_t parse_number(
    std::string_view flag,
    std::string_view text,
    std::int64_t lowest,
    std::int64_t highest) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end || value < lowest ||
      value > highest) {
    throw FlagError(
        std::string(flag) + ": '" + std::string(text) +
        "' is not a whole number from " + std::to_string(lowest) + " to " +
        std::to_string(highest));
  }
  return value;
}

std::vector<std::int64_t> parse_ids(std::string_view flag, std::string_view text) {
  std::vector<std::int64_t> ids;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t comma = std::min(text.find(',', start), text.size());
    ids.push_back(parse_number(
        flag,
        text.substr(start, comma - start),
        0,
        std::numeric_limits<std::int32_t>::max()));
    start = comma + 1;
  }
  return ids;
}

const std::map<std::string_view, bool Flags::*> kSwitches = {
    {"--capabilities", &Flags::capabilities},
    {"--gaps", &Flags::gaps},
    {"--outputs", &Flags::outputs},
    {"--generate", &Flags::generate},
    {"--prepack", &Flags::prepack},
    {"--help", &Flags::help},
};

}  // namespace

const std::string_view kHelp =
    R"(Measures one model and prints JSON Lines, see runner_protocol.h.
  --model PATH        the model file
  --warmup N          inferences before the measured ones (0)
  --iterations N      measured inferences (1)
  --min-duration-ms N go on measuring until that time is reached too (0); SIGTERM
                      ends it earlier, and what was measured until then is printed
  --gaps              print also the time between one inference and the next
  --threads N         of the runtime's intra-op pool (1)
  --heap WHICH        steady: freed memory is kept and tensors lie at random places,
                      where this is needed and can be; or as the system does (system)
  --seed N            of generated inputs (0)
  --input DTYPE:AxBx  an input to generate, for a model without bundled inputs;
                      once per input, in order: float32:1x3x224x224
  --input-data PATH   values for these inputs: the bytes of one set after another
  --outputs           one inference for each set of inputs, what it answered, and no
                      times
  --generate          tokens instead of inferences, each the most likely one
  --prompt-tokens N   tokens of the prompt, from the seed (128)
  --prompt-ids A,B,C  the prompt itself
  --new-tokens N      tokens to generate (64)
  --kv-depth N        tokens in the cache before the prompt, from the seed (0)
  --warmup-generations N  whole ones before the measured one (0)
  --score-ids A,B,C   print also how likely these tokens are, each after those before
  --prepack           print the model prepacked for this CPU, and measure nothing
  --profile ops       after the measured inferences as many more, observed: calls and
                      time of every operator
  --spin-ms N         do fixed work for so long, print how fast, and measure nothing
  --capabilities      print what this program can load, and measure nothing
  --help
)";

TensorSpec parse_tensor_spec(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) {
    throw FlagError("--input: '" + std::string(text) + "' is not DTYPE:AxBxC");
  }
  TensorSpec spec{std::string(text.substr(0, colon)), {}};
  std::string_view sizes = text.substr(colon + 1);
  while (!sizes.empty()) {
    const std::size_t x = std::min(sizes.find('x'), sizes.size());
    spec.shape.push_back(parse_number(
        "--input", sizes.substr(0, x), 0, std::numeric_limits<std::int32_t>::max()));
    if (x + 1 == sizes.size()) {
      throw FlagError("--input: '" + std::string(text) + "' ends with x");
    }
    sizes.remove_prefix(std::min(x + 1, sizes.size()));
  }
  return spec;
}

Flags parse_flags(std::span<const std::string> arguments) {
  constexpr std::int64_t kMany = 100'000'000;
  constexpr std::int64_t kDayMs = 86'400'000;
  Flags flags;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& flag = arguments[i];
    if (const auto found = kSwitches.find(flag); found != kSwitches.end()) {
      flags.*found->second = true;
      continue;
    }
    const auto value = [&]() -> std::string_view {
      if (i + 1 == arguments.size()) throw FlagError(flag + ": needs a value");
      return arguments[++i];
    };
    if (flag == "--model") {
      flags.model = value();
    } else if (flag == "--warmup") {
      flags.warmup = static_cast<int>(parse_number(flag, value(), 0, kMany));
    } else if (flag == "--iterations") {
      flags.iterations = static_cast<int>(parse_number(flag, value(), 1, kMany));
    } else if (flag == "--min-duration-ms") {
      flags.min_duration_ms = parse_number(flag, value(), 0, kDayMs);
    } else if (flag == "--threads") {
      flags.threads = static_cast<int>(parse_number(flag, value(), 1, 4096));
    } else if (flag == "--heap") {
      const std::string_view which = value();
      if (which != "steady" && which != "system") {
        throw FlagError(
            flag + ": '" + std::string(which) + "' is neither steady nor system");
      }
      flags.steady_heap = which == "steady";
    } else if (flag == "--profile") {
      const std::string_view what = value();
      if (what != "ops") {
        throw FlagError(flag + ": '" + std::string(what) + "' is not ops");
      }
      flags.profile_operators = true;
    } else if (flag == "--prompt-tokens") {
      flags.prompt_tokens = parse_number(flag, value(), 1, kMany);
    } else if (flag == "--prompt-ids") {
      flags.prompt_ids = parse_ids(flag, value());
    } else if (flag == "--score-ids") {
      flags.score_ids = parse_ids(flag, value());
      if (flags.score_ids.size() < 2) throw FlagError(flag + ": needs two or more");
    } else if (flag == "--new-tokens") {
      flags.new_tokens = parse_number(flag, value(), 1, kMany);
    } else if (flag == "--kv-depth") {
      flags.kv_depth = parse_number(flag, value(), 0, kMany);
    } else if (flag == "--warmup-generations") {
      flags.warmup_generations =
          static_cast<int>(parse_number(flag, value(), 0, kMany));
    } else if (flag == "--spin-ms") {
      flags.spin_ms = parse_number(flag, value(), 1, 60'000);
    } else if (flag == "--seed") {
      using Limits = std::numeric_limits<std::int64_t>;
      flags.seed = static_cast<std::uint64_t>(
          parse_number(flag, value(), Limits::min(), Limits::max()));
    } else if (flag == "--input") {
      flags.inputs.push_back(parse_tensor_spec(value()));
    } else if (flag == "--input-data") {
      flags.input_data = value();
    } else {
      throw FlagError(flag + ": no such flag");
    }
  }
  const bool measures = !flags.capabilities && !flags.help && flags.spin_ms == 0;
  if (flags.model.empty() && measures) {
    throw FlagError("--model: is needed");
  }
  if (!flags.input_data.empty() && flags.inputs.empty()) {
    throw FlagError("--input-data: needs an --input for each of its tensors");
  }
  return flags;
}

}  // namespace pocketbench
