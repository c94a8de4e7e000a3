#pragma once
// Early return of errors. ALDIS_TRY(call) drops the value; ALDIS_TRY_ASSIGN(auto x, call) declares it.

#include <expected>
#include <utility>

#define ALDIS_TRY_JOIN_(a, b) a##b
#define ALDIS_TRY_NAME_(a, b) ALDIS_TRY_JOIN_(a, b)

#define ALDIS_TRY(expression)                                                                                  \
  do {                                                                                                         \
    if (auto aldis_tried = (expression); !aldis_tried) return std::unexpected(std::move(aldis_tried).error()); \
  } while (false)

#define ALDIS_TRY_ASSIGN(declaration, expression) \
  ALDIS_TRY_ASSIGN_(ALDIS_TRY_NAME_(aldis_tried_, __LINE__), declaration, expression)
#define ALDIS_TRY_ASSIGN_(name, declaration, expression)      \
  auto name = (expression);                                   \
  if (!name) return std::unexpected(std::move(name).error()); \
  declaration = *std::move(name)
