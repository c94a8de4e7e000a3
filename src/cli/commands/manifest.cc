// aldis manifest

#include "cli/commands/commands.h"
#include "cli/describe.h"
#include "cli/invocation.h"
#include "cli/output_schemas.h"
#include "core/format.h"

namespace aldis::cli {
namespace {

Reply manifest(const Invocation& invocation) {
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  Reply reply;
  if (const auto known = invocation.arguments.text("--etag"); known && *known == manifest_etag()) {
    reply.meta = R"("not_modified":true)";
    reply.view = "not modified\n";
    return reply;
  }
  reply.data = manifest_json();
  reply.meta = fmt::format(R"("environment":{})", environment_json());
  reply.view = reply.data + "\n";
  return reply;
}

constexpr OptionSpec kOptions[] = {
    {.name = "--etag", .value = "ETAG", .help = "The etag of a manifest at hand: data is null if nothing changed"},
};
constexpr ExampleSpec kExamples[] = {{"The names of all commands", "aldis manifest | jq -r '.data.commands | keys[]'"}};

}  // namespace

constinit const CommandSpec kManifest{
    .name = "manifest",
    .summary = "Describe every command, option and exit code as JSON",
    .options = kOptions,
    .output_schema = schema::kManifest,
    .examples = kExamples,
    .notes = "meta.environment lists the environment variables. `aldis COMMAND --schema` describes one command.",
    .execute = manifest,
};

}  // namespace aldis::cli
