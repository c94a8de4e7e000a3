// aldis version

#include "cli/version.h"

#include "cli/commands/commands.h"
#include "cli/invocation.h"
#include "cli/output_schemas.h"
#include "core/format.h"

namespace aldis::cli {
namespace {

Reply version(const Invocation& invocation) {
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  Reply reply{.data = fmt::format(R"({{"name":"aldis","version":"{}"}})", kVersionText)};
  reply.view = fmt::format("aldis {}\n", kVersionText);
  return reply;
}

constexpr ExampleSpec kExamples[] = {{"The version alone", "aldis --version"}};

}  // namespace

constinit const CommandSpec kVersion{
    .name = "version",
    .summary = "Show the version",
    .output_schema = schema::kVersion,
    .examples = kExamples,
    .execute = version,
};

}  // namespace aldis::cli
