#include "datapath/iptables/xt_options.h"

#include <algorithm>

#include "datapath/base/text.h"

namespace nf::ipt {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string about(std::string_view extension, const OptionSpec& option) {
  return std::string(extension) + ": option \"--" + std::string(option.name) + "\"";
}

const OptionSpec* option_of_id(std::span<const OptionSpec> options, unsigned id) {
  const auto it = std::find_if(options.begin(), options.end(), [&](const OptionSpec& o) { return o.id == id; });
  return it == options.end() ? nullptr : &*it;
}

std::string hooks_text(uint8_t hooks) {
  std::string text;
  for (size_t h = 0; h < kHookPoints; ++h) {
    if ((hooks & hook_bit(static_cast<HookPoint>(h))) == 0) continue;
    if (!text.empty()) text += '/';
    text += hook_name(static_cast<HookPoint>(h));
  }
  return text;
}

}  // namespace

const OptionSpec* find_option(std::span<const OptionSpec> options, std::string_view name) {
  if (!name.starts_with("--")) return nullptr;
  name.remove_prefix(2);
  const auto it = std::find_if(options.begin(), options.end(), [&](const OptionSpec& o) { return o.name == name; });
  return it == options.end() ? nullptr : option_of_id(options, it->id);
}

Status begin_option(std::string_view extension, const OptionSpec& option, bool inverted, uint32_t& seen) {
  const uint32_t bit = 1u << option.id;
  if ((seen & bit) != 0) return error(about(extension, option) + " can only be used once.");
  if (inverted && !option.invertible) return error(about(extension, option) + " cannot be inverted.");
  seen |= bit;
  return {};
}

Status check_options(std::string_view extension, std::span<const OptionSpec> options, uint32_t seen) {
  for (const OptionSpec& o : options) {
    const bool used = (seen >> o.id & 1) != 0;
    if (o.required && !used) return error(about(extension, o) + " must be specified");
    if (!used) continue;
    for (unsigned id = 0; id < 32; ++id) {
      if (id == o.id || (o.excludes >> id & 1) == 0 || (seen >> id & 1) == 0) continue;
      if (const OptionSpec* other = option_of_id(options, id); other != nullptr)
        return error(about(extension, o) + " cannot be used together with \"--" + std::string(other->name) + "\".");
    }
  }
  return {};
}

Status check_limits(std::string_view extension, std::string_view kind, const EntryLimits& limits,
                    const RuleContext& rule) {
  const std::string who = std::string(extension) + " " + std::string(kind);
  if (limits.table && *limits.table != rule.table)
    return error(who + ": only valid in " + std::string(table_name(*limits.table)) + " table, not " +
                 std::string(table_name(rule.table)));
  if (limits.hooks != 0 && (rule.hooks & ~limits.hooks) != 0)
    return error(who + ": used from hooks " + hooks_text(rule.hooks) + ", but only " +
                 (kind == "match" ? "valid" : "usable") + " from " + hooks_text(limits.hooks));
  if (limits.protocol != 0 && (rule.protocol != limits.protocol || rule.protocol_inverted))
    return error(strf("%s: only valid for protocol %u", who.c_str(), limits.protocol));
  return {};
}

std::optional<NumberPrefix> number_prefix(std::string_view s, unsigned base) {
  size_t at = std::min(s.find_first_not_of(" \t\n\v\f\r"), s.size());
  if (at < s.size() && s[at] == '+') ++at;
  const auto digit = [&](size_t i, unsigned in_base) -> std::optional<unsigned> {
    if (i >= s.size()) return std::nullopt;
    const char c = lower(s[i]);
    unsigned d;
    if (c >= '0' && c <= '9')
      d = static_cast<unsigned>(c - '0');
    else if (c >= 'a' && c <= 'f')
      d = static_cast<unsigned>(c - 'a') + 10;
    else
      return std::nullopt;
    return d < in_base ? std::optional(d) : std::nullopt;
  };
  if (base == 0) {
    base = 10;
    if (at < s.size() && s[at] == '0') {
      const bool hex = at + 1 < s.size() && lower(s[at + 1]) == 'x' && digit(at + 2, 16);
      base = hex ? 16 : 8;
      if (hex) at += 2;
    }
  }
  if (!digit(at, base)) return std::nullopt;
  uint64_t value = 0;
  while (const auto d = digit(at, base)) {
    if (value > (UINT64_MAX - *d) / base) return std::nullopt;
    value = value * base + *d;
    ++at;
  }
  return NumberPrefix{value, at};
}

std::optional<uint64_t> whole_number(std::string_view s, uint64_t min, uint64_t max) {
  const auto n = number_prefix(s);
  if (!n || n->length != s.size() || n->value < min || n->value > max) return std::nullopt;
  return n->value;
}

Result<uint32_t> integer_argument(std::string_view extension, const OptionSpec& spec, OptionReader& option,
                                  uint32_t min, uint32_t max) {
  const auto text = option.argument();
  if (!text) return text.error();
  const auto n = whole_number(*text, min, max);
  if (!n)
    return error(strf("%s: bad value for option \"--%s\", or out of range (%u-%u).", std::string(extension).c_str(),
                      std::string(spec.name).c_str(), min, max));
  return static_cast<uint32_t>(*n);
}

Result<MarkMask> mark_argument(std::string_view extension, const OptionSpec& spec, OptionReader& option) {
  const auto text = option.argument();
  if (!text) return text.error();
  const auto bad = [&] {
    return error(std::string(extension) + ": bad integer value for option \"--" + std::string(spec.name) +
                 "\", or out of range.");
  };
  const auto garbage = [&] {
    return error(std::string(extension) + ": trailing garbage after value for option \"--" + std::string(spec.name) +
                 "\".");
  };
  const auto mark = number_prefix(*text);
  if (!mark || mark->value > UINT32_MAX) return bad();
  MarkMask m{static_cast<uint32_t>(mark->value), UINT32_MAX};
  if (mark->length == text->size()) return m;
  if ((*text)[mark->length] != '/') return garbage();
  const std::string_view rest = text->substr(mark->length + 1);
  const auto mask = number_prefix(rest);
  if (!mask || mask->value > UINT32_MAX) return bad();
  if (mask->length != rest.size()) return garbage();
  m.mask = static_cast<uint32_t>(mask->value);
  return m;
}

void print_mark_mask(std::string& out, MarkMask m) {
  out += m.mask == UINT32_MAX ? strf(" 0x%x", m.mark) : strf(" 0x%x/0x%x", m.mark, m.mask);
}

bool is_prefix_of(std::string_view word, std::string_view name) {
  return word.size() <= name.size() && equal_ignoring_case(word, name.substr(0, word.size()));
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

void save_string(std::string& out, std::string_view value) {
  constexpr std::string_view kPlain = "_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  out += ' ';
  if (!value.empty() && value.find_first_not_of(kPlain) == std::string_view::npos) {
    out += value;
    return;
  }
  out += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\' || c == '\'') out += '\\';
    out += c;
  }
  out += '"';
}

}  // namespace nf::ipt
