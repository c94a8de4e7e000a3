#include "raw_redis.h"

#include <fmt/core.h>

#include <cstdlib>

namespace aldis::bench {
namespace {

[[noreturn]] void give_up(const char* why) {
  fmt::print(stderr, "aldis_bench: the raw connection to Redis: {}\n", why);
  std::exit(1);
}

}  // namespace

RawRedis::RawRedis(const std::string& host, int port) : context_(redisConnect(host.c_str(), port)) {
  if (!context_ || context_->err != 0) give_up(context_ ? context_->errstr : "out of memory");
}

const redisReply& RawRedis::command(const std::vector<std::string>& words) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string& word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  reply_.reset(static_cast<redisReply*>(
      redisCommandArgv(context_.get(), static_cast<int>(words.size()), texts.data(), sizes.data())));
  if (!reply_) give_up(context_->errstr);
  if (reply_->type == REDIS_REPLY_ERROR) give_up(reply_->str);
  return *reply_;
}

double RawRedis::server_microseconds(const std::string& command_name) {
  const redisReply& reply = command({"INFO", "commandstats"});
  const std::string text(reply.str, reply.len);
  const std::size_t line = text.find("cmdstat_" + command_name + ":");
  const std::string field = "usec_per_call=";
  const std::size_t at = line == std::string::npos ? line : text.find(field, line);
  if (at == std::string::npos) give_up(("no statistics of " + command_name).c_str());
  return std::strtod(text.c_str() + at + field.size(), nullptr);
}

}  // namespace aldis::bench
