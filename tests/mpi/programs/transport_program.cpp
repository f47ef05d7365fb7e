// Between two messages rank 0 does not look, until FILE says that rank 1 has sent the next one. It tells how
// many looks it takes to have each.
//   transport_program MESSAGES FILE

#include <mpi.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>

#include "cases.hpp"
#include "wire/mpi_transport.hpp"

namespace {

parrun::Message receive(parrun::MpiTransport& transport, int& looks) {
  for (looks = 1;; ++looks) {
    if (auto message = transport.receive()) return std::move(*message);
  }
}

void run(int messages, const std::string& file) {
  parrun::MpiTransport transport(MPI_COMM_WORLD);
  int looks = 0;
  for (int i = 1; i <= messages; ++i) {
    if (transport.rank() == parrun::Rank(0)) {
      cases::await_marks(file, i);
      receive(transport, looks);
      std::cout << looks << '\n';
      transport.send(parrun::Rank(1), "go on");
    } else {
      transport.send(parrun::Rank(0), "a message");
      marks_then_sleeps(file, 0);
      receive(transport, looks);
    }
  }
  while (!transport.idle()) transport.receive();
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  run(std::atoi(argv[1]), argv[2]);
  MPI_Finalize();
}
