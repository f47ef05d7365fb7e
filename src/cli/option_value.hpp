#pragma once
#include <string>

#include "parrun/errors.hpp"

namespace parrun {

/// What `parse` makes of an option's value; its InputError then names the option.
template <typename Parse>
auto option_value(const char* option, const std::string& text, Parse parse) {
  try {
    return parse(text);
  } catch (const InputError& error) {
    throw InputError(std::string(option) + ": " + error.what());
  }
}

}  // namespace parrun
