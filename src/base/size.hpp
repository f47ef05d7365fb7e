#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace parrun {

/// A size [bytes] as users write it: `4096`, `512K`, `512MB`, `512MiB`, `1.5G`, `2t`. Always above zero, at
/// most 2^62; part of a byte is dropped. Every unit is a power of 1024, as in SLURM's --mem, `MB` too.
/// Throws InputError, saying what is wrong with `text`, for all else: zero, negative, NaN, an unknown unit.
std::uint64_t parse_size(std::string_view text);

/// The same for people: `512 MB`, `1.5 GB`, `17 bytes`.
std::string format_size(std::uint64_t bytes);

}  // namespace parrun
