// The NAT targets as iptables-legacy 1.8.9 reads and prints them: what iptables-save and `iptables -nvL` wrote for
// each rule, and the words it refused others with.
#include "nat/test_net.h"

namespace nf::nat {
namespace {

struct Accepted {
  const char *table, *rule;
  const char* saved;        // null: as it was written
  const char* listed;       // what follows the addresses
  bool loads_again = true;  // false: the real program refuses what it printed
};
constexpr Accepted kAccepted[] = {
    {"nat", "-A POSTROUTING -j SNAT --to-source 1.2.3.4", nullptr, " to:1.2.3.4"},
    {"nat", "-A POSTROUTING -j SNAT --to-source 1.2.3.4-1.2.3.9", nullptr, " to:1.2.3.4-1.2.3.9"},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4-1.2.3.9:100-200", nullptr,
     " to:1.2.3.4-1.2.3.9:100-200"},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:100", nullptr, " to:1.2.3.4:100"},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source :100", nullptr, " to::100"},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source :100-200", nullptr, " to::100-200"},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:0", nullptr, " to:1.2.3.4:0"},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:100-200/300",
     "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:100-200/0", " to:1.2.3.4:100-200/0", false},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:http",
     "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:80", " to:1.2.3.4:80"},
    {"nat", "-A POSTROUTING -j SNAT --to-source 1.2.3.9-1.2.3.4", nullptr, " to:1.2.3.9-1.2.3.4"},
    {"nat", "-A POSTROUTING -j SNAT --to-source 1.2.3.4 --persistent", nullptr, " to:1.2.3.4 persistent"},
    {"nat", "-A INPUT -j SNAT --to-source 1.2.3.4", nullptr, " to:1.2.3.4"},
    {"nat", "-A PREROUTING -j DNAT --to-destination 1.2.3.4", nullptr, " to:1.2.3.4"},
    {"nat", "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4-1.2.3.7:80-90", nullptr,
     " to:1.2.3.4-1.2.3.7:80-90"},
    {"nat", "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:80-90/8080", nullptr, " to:1.2.3.4:80-90/8080"},
    {"nat", "-A PREROUTING -p tcp -j DNAT --to-destination :80", nullptr, " to::80"},
    {"nat", "-A PREROUTING -p tcp -j DNAT --to-destination :80-90/100", nullptr, " to::80-90/100"},
    {"nat", "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:http",
     "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:80", " to:1.2.3.4:80"},
    {"nat", "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:0", nullptr, " to:1.2.3.4:0"},
    {"nat", "-A PREROUTING -p icmp -j DNAT --to-destination 1.2.3.4:80", nullptr, " to:1.2.3.4:80"},
    {"nat", "-A PREROUTING ! -p tcp -j DNAT --to-destination 1.2.3.4:80", nullptr, " to:1.2.3.4:80"},
    {"nat", "-A PREROUTING -p sctp -j DNAT --to-destination 1.2.3.4:80", nullptr, " to:1.2.3.4:80"},
    {"nat", "-A PREROUTING -p dccp -j DNAT --to-destination 1.2.3.4:80", nullptr, " to:1.2.3.4:80"},
    {"nat", "-A OUTPUT -j DNAT --to-destination 1.2.3.4", nullptr, " to:1.2.3.4"},
    {"nat", "-A POSTROUTING -j MASQUERADE", nullptr, ""},
    {"nat", "-A POSTROUTING -p tcp -j MASQUERADE --to-ports 100", nullptr, " masq ports: 100"},
    {"nat", "-A POSTROUTING -p tcp -j MASQUERADE --to-ports 100-200", nullptr, " masq ports: 100-200"},
    {"nat", "-A POSTROUTING -p tcp -j MASQUERADE --to-ports http", "-A POSTROUTING -p tcp -j MASQUERADE --to-ports 80",
     " masq ports: 80"},
    {"nat", "-A POSTROUTING -p tcp -j MASQUERADE --to-port 100", "-A POSTROUTING -p tcp -j MASQUERADE --to-ports 100",
     " masq ports: 100"},
    {"nat", "-A POSTROUTING -p tcp -j MASQUERADE --to-ports 100-200/5",
     "-A POSTROUTING -p tcp -j MASQUERADE --to-ports 100-200/0", " masq ports: 100-200/0", false},
    {"nat", "-A POSTROUTING -p tcp -j MASQUERADE --to-ports 0", nullptr, " masq ports: 0"},
    {"nat", "-A PREROUTING -p tcp -j REDIRECT", nullptr, ""},
    {"nat", "-A PREROUTING -p tcp -j REDIRECT --to-ports 8080", nullptr, " redir ports 8080"},
    {"nat", "-A PREROUTING -p tcp -j REDIRECT --to-port 8080", "-A PREROUTING -p tcp -j REDIRECT --to-ports 8080",
     " redir ports 8080"},
    {"nat", "-A PREROUTING -p tcp -j REDIRECT --to-ports 8080-8090", nullptr, " redir ports 8080-8090"},
    {"nat", "-A PREROUTING -p tcp -j REDIRECT --to-ports http", "-A PREROUTING -p tcp -j REDIRECT --to-ports 80",
     " redir ports 80"},
    {"nat", "-A OUTPUT -j REDIRECT", nullptr, ""},
    {"nat", "-A PREROUTING -d 1.2.3.0/24 -j NETMAP --to 5.6.7.0/24", nullptr, " to:5.6.7.0/24"},
    {"nat", "-A POSTROUTING -s 1.2.3.0/24 -j NETMAP --to 5.6.7.8",
     "-A POSTROUTING -s 1.2.3.0/24 -j NETMAP --to 5.6.7.8/32", " to:5.6.7.8/32"},
    {"nat", "-A POSTROUTING -s 1.2.3.0/24 -j NETMAP --to 5.6.7.0/255.255.255.0",
     "-A POSTROUTING -s 1.2.3.0/24 -j NETMAP --to 5.6.7.0/24", " to:5.6.7.0/24"},
    {"nat", "-A POSTROUTING -s 1.2.3.0/24 -j NETMAP --to 5.6.7.8/24",
     "-A POSTROUTING -s 1.2.3.0/24 -j NETMAP --to 5.6.7.0/24", " to:5.6.7.0/24"},
    {"nat", "-A INPUT -j NETMAP --to 5.6.7.0/24", nullptr, " to:5.6.7.0/24"},
    {"nat", "-A OUTPUT -j NETMAP --to 5.6.7.0/24", nullptr, " to:5.6.7.0/24"},
    {"nat", "-A POSTROUTING -p tcp --dport 80 -j SNAT --to-source 10.0.0.1-10.0.0.1:5-5",
     "-A POSTROUTING -p tcp -m tcp --dport 80 -j SNAT --to-source 10.0.0.1:5", " tcp dpt:80 to:10.0.0.1:5"},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to 1.2.3.4", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4",
     " to:1.2.3.4"},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:0x50",
     "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:80", " to:1.2.3.4:80"},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:80-80/5",
     "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:80/0", " to:1.2.3.4:80/0", false},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:80-90/http",
     "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:80-90/0", " to:1.2.3.4:80-90/0", false},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:80-90/5x",
     "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:80-90/0", " to:1.2.3.4:80-90/0", false},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:0-10", nullptr, " to:1.2.3.4:0-10"},
    {"nat", "-A PREROUTING -p tcp -j DNAT --to 1.2.3.4", "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4",
     " to:1.2.3.4"},
    {"nat", "-A PREROUTING -p tcp -j DNAT --to-dest 1.2.3.4:80-80/5",
     "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:80/5", " to:1.2.3.4:80/5", false},
    {"nat", "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:80-90/http",
     "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:80-90/80", " to:1.2.3.4:80-90/80"},
    {"nat", "-A PREROUTING -p tcp -j REDIRECT --to 80", "-A PREROUTING -p tcp -j REDIRECT --to-ports 80",
     " redir ports 80"},
    {"nat", "-A PREROUTING -p tcp -j REDIRECT --to-ports 0", nullptr, " redir ports 0"},
    {"nat", "-A POSTROUTING -p tcp -j MASQUERADE --to 80", "-A POSTROUTING -p tcp -j MASQUERADE --to-ports 80",
     " masq ports: 80"},
    {"nat", "-A POSTROUTING -s 1.2.3.0/24 -j NETMAP --to 5.6.7.8/0",
     "-A POSTROUTING -s 1.2.3.0/24 -j NETMAP --to 0.0.0.0/0", " to:0.0.0.0/0"},
    {"nat", "-A POSTROUTING -s 1.2.3.0/24 -j NETMAP --to 0.0.0.0/0", nullptr, " to:0.0.0.0/0"},
};

struct Refused {
  const char *table, *rule, *words;
};
constexpr Refused kRefused[] = {
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:", "Port `' not valid"},
    {"nat", "-A POSTROUTING -j SNAT --to-source 1.2.3.4:100", "Need TCP, UDP, SCTP or DCCP with port specification"},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:65536", "Port `65536' not valid"},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:200-100", "Port range `100' funky"},
    {"nat", "-A POSTROUTING -j SNAT --to-source 1.2.3", "Bad IP address \"1.2.3\""},
    {"nat", "-A POSTROUTING -j SNAT --to-source foo", "Bad IP address \"foo\""},
    {"nat", "-A POSTROUTING -j SNAT --to-source 1.2.3.4-foo", "Bad IP address \"foo\""},
    {"nat", "-A POSTROUTING -j SNAT", "SNAT: option \"--to-source\" must be specified"},
    {"nat", "-A POSTROUTING -j SNAT --to-source 1.2.3.4 --to-source 1.2.3.5",
     "SNAT: option \"--to-source\" can only be used once."},
    {"nat", "-A POSTROUTING -j SNAT ! --to-source 1.2.3.4", "SNAT: option \"--to-source\" cannot be inverted."},
    {"nat", "-A POSTROUTING -j SNAT --to-source 1.2.3.4 --to-destination 1.2.3.4",
     "unknown option \"--to-destination\""},
    {"nat", "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:80/8080", "Garbage after port value: `/8080'"},
    {"nat", "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:90-80", "Port range `80' funky"},
    {"nat", "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:99999", "Port `99999' not valid"},
    {"nat", "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:80-90/0", "Port `0' not valid"},
    {"nat", "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:80-90/", "Port `' not valid"},
    {"nat", "-A PREROUTING -j DNAT --to-destination 1.2.3.4:80", "Need TCP, UDP, SCTP or DCCP with port specification"},
    {"nat", "-A PREROUTING -p udplite -j DNAT --to-destination 1.2.3.4:80",
     "Need TCP, UDP, SCTP or DCCP with port specification"},
    {"nat", "-A PREROUTING -j DNAT", "DNAT: option \"--to-destination\" must be specified"},
    {"nat", "-A PREROUTING -j DNAT --to-destination 1.2.3.4 --to-destination 1.2.3.5",
     "DNAT: option \"--to-destination\" can only be used once."},
    {"nat", "-A POSTROUTING -p tcp -j MASQUERADE --to-ports 200-100", "Port range `100' funky"},
    {"nat", "-A POSTROUTING -j MASQUERADE --to-ports 100", "Need TCP, UDP, SCTP or DCCP with port specification"},
    {"nat", "-A POSTROUTING -j MASQUERADE --persistent", "unknown option \"--persistent\""},
    {"nat", "-A PREROUTING -p tcp -j REDIRECT --to-ports 90-80", "Port range `80' funky"},
    {"nat", "-A PREROUTING -p tcp -j REDIRECT --to-ports foo", "Port `foo' not valid"},
    {"nat", "-A PREROUTING -j REDIRECT --to-ports 80", "Need TCP, UDP, SCTP or DCCP with port specification"},
    {"nat", "-A PREROUTING -j REDIRECT --persistent", "unknown option \"--persistent\""},
    {"nat", "-A POSTROUTING -j NETMAP", "NETMAP: option \"--to\" must be specified"},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4-", "Bad IP address \"\""},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source -1.2.3.4", "Bad IP address \"\""},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4-1.2.3.5-1.2.3.6", "Bad IP address \"1.2.3.5-1.2.3.6\""},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source :", "Port `' not valid"},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:80-", "Port `' not valid"},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:-80", "Port `-80' not valid"},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:80-90x", "Garbage after port range: `x'"},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:80x", "Garbage after port value: `x'"},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:080", "Garbage after port value: `80'"},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:http-https", "Port `http-https' not valid"},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:80:90", "Bad IP address \"1.2.3.4:80:90\""},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source [1.2.3.4]:80", "Invalid address format"},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.04", "Bad IP address \"1.2.3.04\""},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:foo-bar", "Port `foo-bar' not valid"},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:10-foo", "Port `foo' not valid"},
    {"nat", "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4/24", "Bad IP address \"1.2.3.4/24\""},
    {"nat", "-A PREROUTING -p tcp -j REDIRECT --to-ports :80", "Port `:80' not valid"},
    {"nat", "-A PREROUTING -p tcp -j REDIRECT --to-ports 80-90/5",
     "Shifted portmap ranges not supported with this kernel"},
    {"nat", "-A PREROUTING -p tcp -j REDIRECT --to-ports 1.2.3.4", "Garbage after port value: `.2.3.4'"},
    {"nat", "-A PREROUTING -p tcp -j REDIRECT --to-ports 80:90", "Invalid port:port syntax - use dash"},
    {"nat", "-A PREROUTING -p tcp -j REDIRECT --to-ports 80,90", "Garbage after port value: `,90'"},
    {"nat", "-A PREROUTING -p tcp -j REDIRECT --to-ports 65536", "Port `65536' not valid"},
    {"nat", "-A PREROUTING -p tcp -j REDIRECT ! --to-ports 80", "REDIRECT: option \"--to-ports\" cannot be inverted."},
    {"nat", "-A POSTROUTING -s 1.2.3.0/24 -j NETMAP --to 5.6.7.0/24 --to 5.6.7.0/24",
     "NETMAP: option \"--to\" can only be used once."},
    // Here iptables only says "Invalid argument"; the words are the kernel's (xt_check_target).
    {"nat", "-A PREROUTING -j SNAT --to-source 1.2.3.4",
     "SNAT target: used from hooks PREROUTING, but only usable from INPUT/POSTROUTING"},
    {"nat", "-A POSTROUTING -j DNAT --to-destination 1.2.3.4",
     "DNAT target: used from hooks POSTROUTING, but only usable from PREROUTING/OUTPUT"},
    {"nat", "-A INPUT -j MASQUERADE", "MASQUERADE target: used from hooks INPUT, but only usable from POSTROUTING"},
    {"nat", "-A POSTROUTING -j REDIRECT",
     "REDIRECT target: used from hooks POSTROUTING, but only usable from PREROUTING/OUTPUT"},
    {"filter", "-A INPUT -j NETMAP --to 5.6.7.0/24", "NETMAP target: only valid in nat table, not filter"},
};

std::string table_text(const char* table, const char* rule) {
  return std::string("*") + table + "\n" + rule + "\nCOMMIT\n";
}

std::string last_line(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  return std::string(text.substr(text.rfind('\n') + 1));
}

// What stands behind the addresses of "    0     0 SNAT  0  --  *      *       0.0.0.0/0            0.0.0.0/0  ...".
std::string behind_addresses(std::string_view line) {
  constexpr size_t kFromOptColumn = 60;
  return std::string(line.substr(line.find("--") + kFromOptColumn));
}

TEST(NatTargets, PrintAsIptables) {
  for (const Accepted& row : kAccepted) {
    SCOPED_TRACE(row.rule);
    TestNet net;
    const Status s = net.iptables.load(table_text(row.table, row.rule), "rules");
    ASSERT_TRUE(s.ok()) << s.error().str();
    const ipt::TableId table = *ipt::table_by_name(row.table);
    const std::string saved = net.iptables.save({.counters = false, .table = table, .comments = false});
    const char* want = row.saved == nullptr ? row.rule : row.saved;
    EXPECT_NE(saved.find(std::string("\n") + want + "\n"), std::string::npos) << saved;
    const std::string chain = std::string(split_words(row.rule)[1]);
    const auto listed = net.iptables.list(table, chain, {.verbose = true});
    ASSERT_TRUE(listed.ok());
    EXPECT_EQ(behind_addresses(last_line(*listed)), row.listed);
    if (!row.loads_again) continue;
    TestNet again;
    ASSERT_TRUE(again.iptables.load(saved, "saved").ok());
    EXPECT_EQ(again.iptables.save({.counters = false, .table = table, .comments = false}), saved);
  }
}

TEST(NatTargets, RefuseInIptablesWords) {
  for (const Refused& row : kRefused) {
    SCOPED_TRACE(row.rule);
    TestNet net;
    const Status s = net.iptables.load(table_text(row.table, row.rule), "rules");
    ASSERT_FALSE(s.ok());
    EXPECT_EQ(s.error().text, row.words);
  }
}

}  // namespace
}  // namespace nf::nat
