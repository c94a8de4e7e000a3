// The executable `aldis`: hands the arguments, the environment and the clock to dispatch.

#include <string>
#include <vector>

#include "cli/dispatch.h"
#include "cli/output.h"

int main(int argc, char** argv) {
  aldis::cli::keep_standard_descriptors();
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  return aldis::cli::dispatch(arguments, aldis::environment_snapshot(), aldis::SystemClock{});
}
