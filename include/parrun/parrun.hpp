#pragma once
// All of the library.

#include "parrun/batch_writer.hpp"
#include "parrun/errors.hpp"
#include "parrun/outcome.hpp"
#include "parrun/pool.hpp"
#include "parrun/task.hpp"
