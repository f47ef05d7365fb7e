// Goldbach's conjecture, that every even number above 2 is the sum of two primes, tried on all up to twenty
// million. All tasks look things up in one large table: it lies once on every node, and they carry a handle.
//
//   mpirun -n 4 build/release/jobs/example_shared_data

#include <algorithm>
#include <cstddef>
#include <iostream>
#include <parrun/parrun.hpp>
#include <stdexcept>
#include <string>
#include <vector>

constexpr std::size_t kLast = 20'000'000;
constexpr std::size_t kNumbersATask = 500'000;

// For each number 1 where it is a prime: the sieve of Eratosthenes. (std::vector<bool> is no array.)
std::vector<char> sieve(std::size_t last) {
  std::vector<char> is_prime(last + 1, 1);
  is_prime[0] = is_prime[1] = 0;
  for (std::size_t i = 2; i * i <= last; ++i) {
    if (is_prime[i] == 0) continue;
    for (std::size_t multiple = i * i; multiple <= last; multiple += i) is_prime[multiple] = 0;
  }
  return is_prime;
}

struct Sum {
  std::size_t number = 0;
  std::size_t prime = 0;  // the smaller one of the two
};
PARRUN_MEMBERS(Sum, number, prime);

// Of the even numbers in [first, last) the one that it is hardest for: whose smallest prime is the largest.
Sum hardest(const parrun::Shared<char>& is_prime, std::size_t first, std::size_t last) {
  Sum found;
  for (std::size_t number = first; number < last; number += 2) {
    std::size_t prime = 2;
    while (prime <= number / 2 && (is_prime[prime] == 0 || is_prime[number - prime] == 0)) ++prime;
    if (prime > number / 2) throw std::domain_error(std::to_string(number) + " is no sum of two primes");
    if (prime > found.prime) found = {number, prime};
  }
  return found;
}
PARRUN_TASK(hardest);

int main(int argc, char** argv) {
  return parrun::main(argc, argv, [](parrun::Pool& pool) {
    const parrun::Shared<char> is_prime = pool.share(sieve(kLast));  // read in place, also here
    std::vector<parrun::Task<Sum>> tasks;
    for (std::size_t first = 4; first <= kLast; first += kNumbersATask)
      tasks.push_back(parrun::task<hardest>(is_prime, first, std::min(first + kNumbersATask, kLast + 1)));

    Sum most;
    for (auto&& done : pool.unordered(tasks)) {
      const Sum sum = done.value();
      if (sum.prime > most.prime) most = sum;
    }
    const std::size_t other = most.number - most.prime;
    std::cout << "hardest: " << most.number << " = " << most.prime << " + " << other << '\n';
    if (is_prime[most.prime] == 0 || is_prime[other] == 0) throw std::logic_error("these are no primes");
  });
}
