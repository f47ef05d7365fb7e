// The product of two random n x n matrices, computed in blocks that fit the cache; returns its trace, by
// which two runs can be compared.
//
//   {"call": "matrix_product", "args": [512, 7]}

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <vector>

#include "parrun/task.hpp"

namespace {

using Matrix = std::vector<double>;  // row by row

Matrix random_matrix(std::size_t n, std::mt19937_64& random) {
  std::uniform_real_distribution<double> entry(-1.0, 1.0);
  Matrix matrix(n * n);
  std::generate(matrix.begin(), matrix.end(), [&] { return entry(random); });
  return matrix;
}

// c += a * b, for the rows from i0, the inner index from k0 and the columns from j0, one block each.
void add_block(const Matrix& a, const Matrix& b, Matrix& c, std::size_t n, std::size_t i0, std::size_t k0,
               std::size_t j0, std::size_t block) {
  for (std::size_t i = i0; i < std::min(i0 + block, n); ++i) {
    for (std::size_t k = k0; k < std::min(k0 + block, n); ++k) {
      const double factor = a[i * n + k];
      for (std::size_t j = j0; j < std::min(j0 + block, n); ++j) c[i * n + j] += factor * b[k * n + j];
    }
  }
}

Matrix product(const Matrix& a, const Matrix& b, std::size_t n) {
  constexpr std::size_t kBlock = 32;  // three blocks of 8 KiB: within a first-level cache of 32 KiB
  Matrix c(n * n, 0.0);
  for (std::size_t i = 0; i < n; i += kBlock) {
    for (std::size_t k = 0; k < n; k += kBlock) {
      for (std::size_t j = 0; j < n; j += kBlock) add_block(a, b, c, n, i, k, j, kBlock);
    }
  }
  return c;
}

}  // namespace

double matrix_product(std::uint32_t n, std::uint64_t seed) {
  constexpr std::uint32_t kLargest = 20'000;  // three matrices of 3.2 GB
  if (n == 0 || n > kLargest) throw std::invalid_argument("n is not from 1 to 20000");
  std::mt19937_64 random(seed);
  const Matrix a = random_matrix(n, random);
  const Matrix b = random_matrix(n, random);
  const Matrix c = product(a, b, n);
  double trace = 0;
  for (std::size_t i = 0; i < n; ++i) trace += c[i * n + i];
  return trace;
}
PARRUN_TASK(matrix_product);
