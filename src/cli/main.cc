// The program.
#include <string>
#include <vector>

#include "cli/interrupt.h"
#include "cli/run.h"

int main(int count, char** words) {
  tenwatt::cli::catch_interrupts();
  return tenwatt::cli::run_program(std::vector<std::string>(words + 1, words + count));
}
