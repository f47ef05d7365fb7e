#pragma once
#include <string>

#include "doctor/examined.hpp"

namespace parrun::doctor {

/// What a run would meet that is recorded in `place`, a file, or a folder for one. Makes a record there under
/// a name of its own, and removes it. May take as long as the file system does.
RecordPlace look_at_record(const std::string& place);

}  // namespace parrun::doctor
