// The options of conntrack(8) 1.4.7 by name, and which of them go with which command.
// twin: original_opts, commands_v_options and the extensions' tables, conntrack-tools
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace nf {

// The order is that of the real program's table.
enum class CtCommand : uint8_t {
  kList,
  kCreate,
  kUpdate,
  kDelete,
  kGet,
  kFlush,
  kEvent,
  kVersion,
  kHelp,
  kExpectList,
  kExpectCreate,
  kExpectDelete,
  kExpectGet,
  kExpectFlush,
  kExpectEvent,
  kCount,
  kExpectCount,
  kStats,
  kExpectStats,
  kAdd,
  kNone,
};

enum class CtArgument : uint8_t { kNo, kYes, kOptional };

struct CtOption {
  char letter;  // what getopt returns for it; also the short option, where it is a letter or digit of the common ones
  std::string_view name;
  CtArgument argument;
};

// A protocol's own options have letters of their own, below.
struct CtProtocol {
  std::string_view name;  // "tcp"
  uint8_t number;
  std::span<const CtOption> options;
  std::span<const std::string_view> messages;  // what place n is called in messages
};

// Places of a protocol's options are counted from here.
inline constexpr char kProtocolPlace = 1;

std::span<const CtOption> conntrack_options();
bool is_short_option(char letter);
std::span<const CtProtocol> conntrack_protocols();

// 0 illegal, 1 compulsory, 2 optional, 3 one of two couples. `place`: of the option in the program's list.
char allowed(CtCommand command, size_t place);
char allowed(const CtProtocol& protocol, CtCommand command, size_t place);
inline constexpr size_t kCommonPlaces = 29;
// Of a common option; nullopt: it has none (commands).
std::optional<size_t> place_of(char letter);
std::string_view common_message(size_t place);  // "protonum"

}  // namespace nf
