#pragma once
#include <string>

#include "doctor/examined.hpp"

namespace parrun::doctor {

/// All that was seen, for people, then advice, then a last line that says whether a timeout works. Pure.
std::string report(const Examined& seen);

}  // namespace parrun::doctor
