#pragma once
// All of the library, but for what needs MPI's own header: parrun/mpi.hpp.

#include "parrun/batch_writer.hpp"
#include "parrun/error_type.hpp"
#include "parrun/errors.hpp"
#include "parrun/outcome.hpp"
#include "parrun/pool.hpp"
#include "parrun/shared.hpp"
#include "parrun/task.hpp"
