#include "tools/netns/ctnetlink.h"

#include <ctime>

#include "conntrack/text/expect_format.h"
#include "conntrack/text/format.h"
#include "tools/netns/expect_message.h"

namespace nf::netns {
namespace {

constexpr int kConntrack = NFNL_SUBSYS_CTNETLINK << 8;
constexpr int kExpect = NFNL_SUBSYS_CTNETLINK_EXP << 8;

Time wall_clock() {
  timespec t{};
  clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * kSecond + t.tv_nsec;
}

Error refused(const char* what, int code) {
  errno = -code;
  return system_error(what);
}

}  // namespace

Result<Ctnetlink> Ctnetlink::open(bool listen) {
  Result<NetlinkSocket> ask = NetlinkSocket::open();
  if (!ask) return ask.error();
  if (!listen) return Ctnetlink(ask.take(), std::nullopt);
  const int groups[] = {NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE, NFNLGRP_CONNTRACK_DESTROY};
  Result<NetlinkSocket> events = NetlinkSocket::open(groups);
  if (!events) return events.error();
  return Ctnetlink(ask.take(), events.take());
}

Result<std::vector<std::string>> Ctnetlink::entries() {
  std::vector<std::string> out;
  const Time now = wall_clock();
  Request request(kConntrack | IPCTNL_MSG_CT_GET, NLM_F_DUMP);
  const Result<int> code = ask_.transact(request, [&](const nlmsghdr& m) {
    if (decode(m, now, message_))
      out.push_back(ct::format_entry(message_.connection, message_.now, {.label_numbers = true}));
  });
  if (!code) return code.error();
  if (*code < 0) return refused("conntrack entries", *code);
  return out;
}

Result<std::vector<std::string>> Ctnetlink::expectations() {
  std::vector<std::string> out;
  const Time now = wall_clock();
  Request request(kExpect | IPCTNL_MSG_EXP_GET, NLM_F_DUMP);
  ExpectMessage expectation;
  const Result<int> code = ask_.transact(request, [&](const nlmsghdr& m) {
    if (decode(m, now, expectation)) out.push_back(ct::format_expectation(expectation.expectation, now));
  });
  if (!code) return code.error();
  if (*code < 0) return refused("expectations", *code);
  return out;
}

Status Ctnetlink::receive_events() {
  if (!events_) return {};
  return events_->receive([this](const nlmsghdr& m) {
    if (decode(m, wall_clock(), message_)) lines_.push_back(ct::format_event(message_.report(), false));
  });
}

Result<std::vector<std::string>> Ctnetlink::take_events() {
  if (Status s = receive_events(); !s) return s.error();
  return std::exchange(lines_, {});
}

Result<std::optional<ct::Connection>> Ctnetlink::find(const ct::Tuple& tuple) {
  Request request(kConntrack | IPCTNL_MSG_CT_GET, 0);
  put_tuple(request, CTA_TUPLE_ORIG, tuple);
  if (tuple.zone != 0) request.put_number(CTA_ZONE, be16(tuple.zone));
  std::optional<ct::Connection> found;
  const Result<int> code = ask_.transact(request, [&](const nlmsghdr& m) {
    if (decode(m, wall_clock(), message_)) found = message_.connection;
  });
  if (!code) return code.error();
  if (*code < 0 && *code != -ENOENT) return refused("conntrack entry", *code);
  return found;
}

Result<std::string> Ctnetlink::entry(const ct::Tuple& original) {
  const Result<std::optional<ct::Connection>> found = find(original);
  if (!found) return found.error();
  if (!*found || !(*found)->original().same_key(original)) return std::string();
  return ct::format_entry(**found, message_.now, {.label_numbers = true});
}

Result<uint32_t> Ctnetlink::count() {
  uint32_t entries = 0;
  Request request(kConntrack | IPCTNL_MSG_CT_GET_STATS, 0);
  const Result<int> code =
      ask_.transact(request, [&](const nlmsghdr& m) { entries = Attributes::of(m)[CTA_STATS_GLOBAL_ENTRIES].u32(); });
  if (!code) return code.error();
  if (*code < 0) return refused("conntrack count", *code);
  return entries;
}

Result<ct::Stats> Ctnetlink::statistics() {
  ct::Stats sum;
  Request request(kConntrack | IPCTNL_MSG_CT_GET_STATS_CPU, NLM_F_DUMP);
  Result<int> code = ask_.transact(request, [&](const nlmsghdr& m) {
    const Attributes a = Attributes::of(m);
    sum.found += a[CTA_STATS_FOUND].u32();
    sum.invalid += a[CTA_STATS_INVALID].u32();
    sum.insert += a[CTA_STATS_INSERT].u32();
    sum.insert_failed += a[CTA_STATS_INSERT_FAILED].u32();
    sum.drop += a[CTA_STATS_DROP].u32();
    sum.early_drop += a[CTA_STATS_EARLY_DROP].u32();
    sum.icmp_error += a[CTA_STATS_ERROR].u32();
    sum.search_restart += a[CTA_STATS_SEARCH_RESTART].u32();
    sum.clash_resolve += a[CTA_STATS_CLASH_RESOLVE].u32();
    sum.chaintoolong += a[CTA_STATS_CHAIN_TOOLONG].u32();
  });
  if (code.ok() && *code == 0) {
    Request expectations(kExpect | IPCTNL_MSG_EXP_GET_STATS_CPU, NLM_F_DUMP);
    code = ask_.transact(expectations, [&](const nlmsghdr& m) {
      const Attributes a = Attributes::of(m);
      sum.expect_new += a[CTA_STATS_EXP_NEW].u32();
      sum.expect_create += a[CTA_STATS_EXP_CREATE].u32();
      sum.expect_delete += a[CTA_STATS_EXP_DELETE].u32();
    });
  }
  if (!code) return code.error();
  if (*code < 0) return refused("conntrack statistics", *code);
  return sum;
}

Status Ctnetlink::flush() {
  Request request(kConntrack | IPCTNL_MSG_CT_DELETE, 0);
  const Result<int> code = ask_.transact(request);
  if (!code) return code.error();
  if (*code < 0) return refused("conntrack flush", *code);
  return {};
}

}  // namespace nf::netns
