#include "engines/redis/reply_reader.h"

#include <hiredis/read.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#include "aldis/limits.h"
#include "core/failure.h"

namespace aldis {
namespace {

// What hiredis builds while it reads; the objects that it carries for us are the Replies in `root`.
struct Builder {
  Reply root = {};
  std::size_t elements = 0;
  std::size_t bytes = 0;
};

Builder& builder_of(const redisReadTask* task) { return *static_cast<Builder*>(task->privdata); }

// Where the object of `task` goes; null beyond the limits, which hiredis reports as an error.
Reply* place_for(const redisReadTask* task, Reply::Kind kind) {
  Builder& builder = builder_of(task);
  Reply* place = &builder.root;
  if (task->parent != nullptr) {
    if (++builder.elements > limits::kRedisReplyElementsMax) return nullptr;
    place = &static_cast<Reply*>(task->parent->obj)->elements.emplace_back();
  }
  place->kind = kind;
  return place;
}

void* make_text(const redisReadTask* task, char* text, std::size_t length) {
  const Reply::Kind kind = task->type == REDIS_REPLY_ERROR    ? Reply::Kind::error
                           : task->type == REDIS_REPLY_STATUS ? Reply::Kind::status
                                                              : Reply::Kind::text;
  Reply* reply = place_for(task, kind);
  if (reply == nullptr) return nullptr;
  Builder& builder = builder_of(task);
  builder.bytes += length;
  if (builder.bytes > limits::kRedisReplyBytesMax) return nullptr;
  reply->text.assign(text, length);
  return reply;
}

// Not reserved: the number of elements is only a claim until they are here.
void* make_array(const redisReadTask* task, int elements) {
  if (std::cmp_greater(elements, limits::kRedisReplyElementsMax)) return nullptr;
  return place_for(task, Reply::Kind::array);
}

void* make_integer(const redisReadTask* task, long long value) {
  Reply* reply = place_for(task, Reply::Kind::integer);
  if (reply != nullptr) reply->integer = value;
  return reply;
}

void* make_nil(const redisReadTask* task) { return place_for(task, Reply::Kind::nil); }

void free_nothing(void* /*object*/) {}  // the builder owns them all

redisReplyObjectFunctions object_functions() { return {make_text, make_array, make_integer, make_nil, free_nothing}; }

struct FreeReader {
  void operator()(redisReader* reader) const { redisReaderFree(reader); }
};

std::unexpected<Error> no_reply(std::string_view why) {
  return fail(ErrorCode::unavailable,
              "answered with something that is not RESP ({}): is this a Redis server? With TLS: use rediss://", why);
}

}  // namespace

struct ReplyReader::State {
  redisReplyObjectFunctions functions = object_functions();
  std::unique_ptr<redisReader, FreeReader> reader{redisReaderCreateWithFunctions(&functions)};
  Builder builder = {};
  bool is_too_long = false;

  // Whether what waits for more bytes cannot become a reply within the limits. hiredis waits for a line without end.
  bool is_beyond_limits() const {
    const std::size_t waiting = reader->len - reader->pos;
    if (waiting > limits::kRedisReplyBytesMax + limits::kRedisReplyLineBytesMax) return true;
    if (waiting <= limits::kRedisReplyLineBytesMax) return false;
    return std::memchr(reader->buf + reader->pos, '\n', limits::kRedisReplyLineBytesMax) == nullptr;
  }
};

ReplyReader::ReplyReader() : state_(std::make_unique<State>()) {
  if (state_->reader == nullptr) std::abort();  // out of memory
  state_->reader->privdata = &state_->builder;
}

ReplyReader::~ReplyReader() = default;
ReplyReader::ReplyReader(ReplyReader&&) noexcept = default;
ReplyReader& ReplyReader::operator=(ReplyReader&&) noexcept = default;

void ReplyReader::feed(std::string_view bytes) {
  // Fails only after an error, which next tells.
  if (!bytes.empty()) redisReaderFeed(state_->reader.get(), bytes.data(), bytes.size());
}

Result<std::optional<Reply>> ReplyReader::next() {
  State& state = *state_;
  void* root = nullptr;
  if (state.is_too_long) return no_reply("too long");
  if (redisReaderGetReply(state.reader.get(), &root) != REDIS_OK) return no_reply(state.reader->errstr);
  if (root != nullptr) return std::optional(std::exchange(state.builder, {}).root);
  state.is_too_long = state.is_beyond_limits();
  if (state.is_too_long) return no_reply("too long");
  return std::nullopt;
}

bool ReplyReader::is_at_rest() const {
  const redisReader& reader = *state_->reader;
  const bool is_between = reader.ridx < 0 || (reader.ridx == 0 && reader.rstack[0].type < 0);
  return reader.err == 0 && !state_->is_too_long && is_between && reader.pos == reader.len;
}

}  // namespace aldis
