#include "cli/program.hpp"

int main(int argc, char** argv) { return parrun::run_program(argc, argv); }
