#include "tools/netns/rule_counters.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
// The kernel's header: its xt_ structures are laid out as the socket option gives them.
#include <linux/netfilter_ipv4/ip_tables.h>

#include <map>

#include "datapath/base/text.h"
#include "tools/netns/fd.h"

namespace nf::netns {
namespace {

constexpr const char* kHookChains[] = {"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"};

Result<std::string> table_names() {
  const Fd fd(open("/proc/net/ip_tables_names", O_RDONLY | O_CLOEXEC));
  if (!fd) return errno == ENOENT ? Result<std::string>(std::string()) : system_error("/proc/net/ip_tables_names");
  char text[1024];
  const ssize_t n = read(fd.get(), text, sizeof text);
  if (n < 0) return system_error("/proc/net/ip_tables_names");
  return std::string(text, static_cast<size_t>(n));
}

// Chain by chain: a built-in one from its hook's entry to the policy its underflow names; a user chain from the entry
// whose ERROR target names it to the RETURN at its end, which is nobody's rule. twin: parse_table, libiptc.c
void read_entries(const std::string& table, const ipt_getinfo& info, const uint8_t* entries,
                  std::vector<RuleCount>& out) {
  std::string chain;
  uint32_t number = 0, underflow = UINT32_MAX;
  bool user = false;
  const auto at = [&](uint32_t offset) { return reinterpret_cast<const ipt_entry*>(entries + offset); };
  const auto target_of = [](const ipt_entry* e) {
    return reinterpret_cast<const xt_entry_target*>(reinterpret_cast<const uint8_t*>(e) + e->target_offset);
  };
  const auto is_head = [&](const ipt_entry* e) {
    return std::string_view(target_of(e)->u.user.name) == XT_ERROR_TARGET;
  };
  for (uint32_t offset = 0; offset < info.size; offset += at(offset)->next_offset) {
    const ipt_entry* e = at(offset);
    if (e->next_offset == 0) return;
    if (is_head(e)) {
      chain = reinterpret_cast<const xt_error_target*>(target_of(e))->errorname;
      user = true;
      number = 0;
      underflow = UINT32_MAX;
      continue;
    }
    for (unsigned h = 0; h < NF_INET_NUMHOOKS; ++h) {
      if ((info.valid_hooks & 1u << h) == 0 || info.hook_entry[h] != offset) continue;
      chain = kHookChains[h];
      user = false;
      number = 0;
      underflow = info.underflow[h];
    }
    const bool last_of_user = user && offset + e->next_offset < info.size && is_head(at(offset + e->next_offset));
    if (last_of_user) continue;
    out.push_back({table, chain, offset == underflow ? 0 : ++number, e->counters.pcnt, e->counters.bcnt});
  }
}

}  // namespace

Result<std::vector<RuleCount>> legacy_rule_counters() {
  std::vector<RuleCount> out;
  const Result<std::string> names = table_names();
  if (!names) return names.error();
  if (names->empty()) return out;
  const Fd fd(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  if (!fd) return system_error("raw socket");
  // 64-bit words, so that what is read is aligned.
  std::vector<uint64_t> room;
  for (const std::string_view name : split_words(*names)) {
    for (const std::string_view line : split(name, '\n')) {
      if (line.empty() || line.size() >= XT_TABLE_MAXNAMELEN) continue;
      const std::string table(line);
      ipt_getinfo info{};
      table.copy(info.name, sizeof info.name - 1);
      socklen_t length = sizeof info;
      if (getsockopt(fd.get(), SOL_IP, IPT_SO_GET_INFO, &info, &length) != 0) return system_error("table " + table);
      length = static_cast<socklen_t>(sizeof(ipt_get_entries) + info.size);
      room.assign((length + 7) / 8, 0);
      auto* entries = reinterpret_cast<ipt_get_entries*>(room.data());
      table.copy(entries->name, sizeof entries->name - 1);
      entries->size = info.size;
      if (getsockopt(fd.get(), SOL_IP, IPT_SO_GET_ENTRIES, entries, &length) != 0)
        return system_error("rules of table " + table);
      read_entries(table, info, reinterpret_cast<const uint8_t*>(entries->entrytable), out);
    }
  }
  return out;
}

std::vector<RuleCount> saved_rule_counters(std::string_view text) {
  std::vector<RuleCount> out;
  std::string table;
  std::map<std::string, uint32_t, std::less<>> numbers;
  // "[12:3456]"
  const auto count = [](std::string_view word, RuleCount& c) {
    const size_t colon = word.find(':');
    if (word.size() < 5 || word.front() != '[' || word.back() != ']' || colon == std::string_view::npos) return false;
    const auto packets = parse_number(word.substr(1, colon - 1));
    const auto bytes = parse_number(word.substr(colon + 1, word.size() - colon - 2));
    if (!packets || !bytes) return false;
    c.packets = *packets;
    c.bytes = *bytes;
    return true;
  };
  for (const std::string_view line : split(text, '\n')) {
    if (line.empty() || line[0] == '#') continue;
    if (line[0] == '*') {
      table = line.substr(1);
      numbers.clear();
      continue;
    }
    const auto words = split_words(line);
    if (words.size() < 3) continue;
    RuleCount c{table, {}, 0, 0, 0};
    if (line[0] == ':') {
      if (words[1] == "-" || !count(words[2], c)) continue;  // user chains have no policy
      c.chain = words[0].substr(1);
    } else {
      if (!count(words[0], c) || words[1] != "-A") continue;
      c.chain = words[2];
      c.number = ++numbers[c.chain];
    }
    out.push_back(std::move(c));
  }
  return out;
}

}  // namespace nf::netns
