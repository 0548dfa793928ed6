// What all extensions share to read and check their options: the declaration of options, the rules about using
// them once, inverted and together, and what the kernel demands of the rule around an extension.
// twin: libxtables/xtoptions.c with xt_check_match and xt_check_target, net/netfilter/x_tables.c
//
// Error texts are iptables 1.8.9's without "iptables v1.8.9 (legacy): " in front. Where the real program only says
// "Invalid argument. Run `dmesg' for more information.", the text is the kernel's, without "x_tables: ip_tables: ".
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "datapath/iptables/extension.h"

namespace nf::ipt {

// One spelling of an option. Spellings with one id are one option; errors name the first of them.
struct OptionSpec {
  std::string_view name;  // without the dashes
  uint8_t id;             // 0..31
  bool invertible = false;
  bool required = false;
  uint32_t excludes = 0;  // bit per id
};

// What the kernel checks before it asks the extension itself.
struct EntryLimits {
  std::optional<TableId> table = std::nullopt;
  uint8_t hooks = 0;     // bit per HookPoint; 0: all
  uint8_t protocol = 0;  // the rule must say -p of it; 0: any
};

constexpr uint8_t hook_bit(HookPoint h) { return static_cast<uint8_t>(1u << static_cast<unsigned>(h)); }

// null: not one of the options.
const OptionSpec* find_option(std::span<const OptionSpec> options, std::string_view name_with_dashes);
// Used once, and inverted only if it may be; then notes it in `seen`. twin: xtables_option_parse
Status begin_option(std::string_view extension, const OptionSpec& option, bool inverted, uint32_t& seen);
// Required options and exclusions. twin: xtables_options_fcheck
Status check_options(std::string_view extension, std::span<const OptionSpec> options, uint32_t seen);
// `kind` is "match" or "target". A rule whose hooks are unknown (0) passes the check of hooks, as an unreachable
// chain does in the kernel.
Status check_limits(std::string_view extension, std::string_view kind, const EntryLimits& limits,
                    const RuleContext& rule);

// A Match or Target with declared options.
template <class Base>
class WithOptions : public Base {
 public:
  std::string_view name() const final { return name_; }

  Result<bool> parse_option(OptionReader& option) final {
    const OptionSpec* spec = find_option(options_, option.name());
    if (spec == nullptr) return false;
    if (Status s = begin_option(name_, *spec, option.inverted(), seen_); !s) return s.error();
    if (Status s = parse_value(*spec, option); !s) return s.error();
    return true;
  }

  Status finish(const RuleContext& rule) final {
    if (Status s = check_usage(rule); !s) return s;
    if (Status s = check_options(name_, options_, seen_); !s) return s;
    if (Status s = check_limits(name_, std::is_base_of_v<Match, Base> ? "match" : "target", limits_, rule); !s)
      return s;
    return check_entry(rule);
  }

 protected:
  // `name` and `options` live as long as the program.
  WithOptions(std::string_view name, std::span<const OptionSpec> options, EntryLimits limits = {})
      : name_(name), options_(options), limits_(limits) {}

  uint32_t seen() const { return seen_; }
  // Takes the option's arguments and stores its value.
  virtual Status parse_value(const OptionSpec& spec, OptionReader& option) = 0;
  // twin: x6_fcheck of the userspace plug-in
  virtual Status check_usage(const RuleContext&) { return {}; }
  // twin: checkentry of the kernel module
  virtual Status check_entry(const RuleContext&) { return {}; }

 private:
  std::string_view name_;
  std::span<const OptionSpec> options_;
  EntryLimits limits_;
  uint32_t seen_ = 0;
};

// --- values

// A number as strtoul(3) reads it from the front of `s`: blanks, '+', then decimal, 0x hexadecimal or 0 octal (base
// 0), or decimal only (base 10). nullopt: no digits, a minus sign, or too large for 64 bits.
struct NumberPrefix {
  uint64_t value;
  size_t length;  // characters read
};
std::optional<NumberPrefix> number_prefix(std::string_view s, unsigned base = 0);
// All of `s` as a number in min..max. twin: xtables_strtoul
std::optional<uint64_t> whole_number(std::string_view s, uint64_t min, uint64_t max);

// The argument as an integer; errors as XTTYPE_UINT8/32.
Result<uint32_t> integer_argument(std::string_view extension, const OptionSpec& spec, OptionReader& option,
                                  uint32_t min, uint32_t max);

// "value[/mask]"; errors as XTTYPE_MARKMASK32.
struct MarkMask {
  uint32_t mark, mask;
};
Result<MarkMask> mark_argument(std::string_view extension, const OptionSpec& spec, OptionReader& option);
// " 0x1" or " 0x1/0xff". twin: xtables_print_mark_mask
void print_mark_mask(std::string& out, MarkMask m);

// Whether `word` is a beginning of `name`, or the whole of it; case does not matter. twin: strncasecmp(name, word,
// strlen(word)) == 0
bool is_prefix_of(std::string_view word, std::string_view name);
bool equal_ignoring_case(std::string_view a, std::string_view b);

// " word" or " \"quoted \\\" word\"". twin: xtables_save_string
void save_string(std::string& out, std::string_view value);

}  // namespace nf::ipt
