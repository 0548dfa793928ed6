#include "tools/commands/conntrack_change.h"

#include <cerrno>
#include <cstring>

#include "conntrack/entry_state.h"
#include "conntrack/expect_state.h"
#include "datapath/base/text.h"
#include "datapath/packet/headers.h"
#include "tools/commands/conntrack_print.h"
#include "tools/commands/conntrack_select.h"

namespace nf {
namespace {

using ct::EntryState;
using ct::Tuple;

CommandReply failed(int error, const CtRequest& r) {
  CommandReply reply;
  reply.err = r.warnings + conntrack_error(failure_text(error, r.command), false).text;
  reply.exit_code = static_cast<int>(ExitCode::kExpectationFailed);
  return reply;
}

// "1 flow entries have been updated.", and failure when there were none.
void count(CommandReply& reply, size_t n, const char* done, bool must) {
  reply.err += strf("%s: %zu flow entries have been %s.\n", kConntrackVersion, n, done);
  if (n == 0 && must) reply.exit_code = static_cast<int>(ExitCode::kExpectationFailed);
}

// One direction as far as given; ICMP's parts stand in the original one.
Tuple tuple_of(const CtTemplate& t, size_t direction) {
  Tuple out;
  out.protocol = t.protocol.value_or(0);
  out.direction = static_cast<CtDirection>(direction);
  out.source = t.address[2 * direction].value_or(Be32{});
  out.destination = t.address[2 * direction + 1].value_or(Be32{});
  if (out.protocol == kProtoIcmp) {
    out.source_id = t.icmp_id.value_or(Be16{});
    out.set_icmp(t.icmp_type.value_or(0), t.icmp_code.value_or(0));
  } else if (out.protocol != kProtoDccp) {
    out.source_id = t.port[2 * direction].value_or(Be16{});
    out.destination_id = t.port[2 * direction + 1].value_or(Be16{});
  }
  return out;
}

bool inverse(Tuple& to, const Tuple& of, CtDirection direction) {
  if (!ct::Conntrack::invert(to, of)) return false;
  to.direction = direction;
  return true;
}

// What the program gives every TCP entry it touches: nobody checks windows it does not know, and one that is at its end
// may be opened anew. twin: final_check, libct_proto_tcp.c
std::optional<ct::TcpEntry> tcp_of(const CtTemplate& t) {
  if (t.protocol != kProtoTcp) return std::nullopt;
  ct::TcpEntry e;
  uint8_t flags = ct::kTcpBeLiberal | ct::kTcpSackPermitted;
  if (t.state) {
    e.state = static_cast<ct::TcpState>(*t.state);
    if (*e.state >= ct::TcpState::kTimeWait) flags |= ct::kTcpCloseInit;
  }
  for (auto& f : e.flags) f = ct::TcpEntry::Flags{flags, flags};
  return e;
}

std::optional<ct::SctpEntry> sctp_of(const CtTemplate& t) {
  if (t.protocol != kProtoSctp || (!t.state && !t.vtag[0] && !t.vtag[1])) return std::nullopt;
  ct::SctpEntry e;
  if (t.state) e.state = static_cast<ct::SctpState>(*t.state);
  e.vtag[0] = t.vtag[0];
  e.vtag[1] = t.vtag[1];
  return e;
}

std::optional<ct::NatHalf> nat_of(const CtTemplate& t, size_t which) {
  if (!t.nat_address[which] && !t.nat_port[which]) return std::nullopt;
  return ct::NatHalf{t.nat_address[which], t.nat_port[which]};
}

// What -U makes of one connection; a state of nothing: no change.
EntryState change_of(const CtRequest& r, const ct::Connection& c, Time now, bool& any) {
  const EntryState is = ct::entry_state(c, now);
  EntryState s;
  any = false;
  // Told with everything else, which the kernel then does not do.
  s.source_nat = nat_of(r.tmpl, 0);
  s.destination_nat = nat_of(r.tmpl, 1);
  if (r.tmpl.timeout) {
    s.timeout = r.tmpl.timeout;
    any = any || s.timeout != is.timeout;
  }
  if (r.tmpl.status) {
    s.status = c.status | *r.tmpl.status;
    any = any || *s.status != c.status;
  }
  if (r.has('m')) {
    s.mark = (c.mark & ~r.mark_mask) ^ r.mark;
    any = any || *s.mark != c.mark;
  }
  if (c.original().protocol == kProtoTcp) s.tcp = tcp_of(r.tmpl);
  if (c.original().protocol == kProtoSctp) s.sctp = sctp_of(r.tmpl);
  any = any || (s.tcp && s.tcp->state && *s.tcp->state != c.tcp.state);
  any = any || (s.sctp && s.sctp->state && *s.sctp->state != c.sctp.state);
  const ct::Labels own = is.labels.value_or(ct::Labels{});
  if (r.has('<') || (r.has('>') && own != ct::Labels{})) {
    ct::Labels labels = own;
    for (size_t i = 0; i < labels.words.size(); ++i) {
      if (r.has('<'))
        labels.words[i] |= r.label_change->words[i];
      else
        labels.words[i] &= r.label_change ? ~r.label_change->words[i] : 0;
    }
    s.labels = labels;
    any = any || labels != own;
  }
  return s;
}

std::string listed(const std::string& line) { return line + '\n'; }

const ct::ExpectFunction* follow(Gateway& gateway) { return &gateway.nat().follow_master(); }

}  // namespace

std::string failure_text(int error, CtCommand command) {
  const auto is = [&](std::initializer_list<CtCommand> commands) {
    for (const CtCommand c : commands)
      if (c == command) return true;
    return false;
  };
  std::string text = std::strerror(error);
  if (error == EINVAL && command <= CtCommand::kCount)
    text = "invalid parameters";
  else if (error == EPERM)
    text = "sorry, you must be root or get CAP_NET_ADMIN capability to do this";
  else if (error == EEXIST && command == CtCommand::kCreate)
    text = "Such conntrack exists, try -U to update";
  else if (error == ENOENT && is({CtCommand::kCreate, CtCommand::kGet, CtCommand::kDelete, CtCommand::kAdd}))
    text = "such conntrack doesn't exist";
  else if (error == ENOMEM && is({CtCommand::kCreate, CtCommand::kGet, CtCommand::kAdd}))
    text = "not enough memory";
  else if (error == ETIME && is({CtCommand::kCreate, CtCommand::kAdd}))
    text = "conntrack has expired";
  else if (error == ENOENT && command == CtCommand::kExpectCreate)
    text = "master conntrack not found";
  return "Operation failed: " + text;
}

std::optional<EntryState> wanted_entry(const CtRequest& r) {
  const CtTemplate& t = r.tmpl;
  EntryState s;
  const bool original = t.address[0] || t.address[1], reply = t.address[2] || t.address[3];
  s.tuple[0] = tuple_of(t, 0);
  s.tuple[1] = tuple_of(t, 1);
  if (original && !reply) {
    if (!inverse(s.tuple[1], s.tuple[0], CtDirection::kReply)) return std::nullopt;
  } else if (reply && !original) {
    if (!inverse(s.tuple[0], s.tuple[1], CtDirection::kOriginal)) return std::nullopt;
  } else if (t.protocol == kProtoIcmp) {
    Tuple plain;
    if (!inverse(plain, s.tuple[0], CtDirection::kReply)) return std::nullopt;
    s.tuple[1].destination_id = plain.destination_id;
  } else if (!t.port[2] && !t.port[3] && (t.port[0] || t.port[1])) {
    return std::nullopt;  // ports in one direction only
  }
  // A zone is told once: of both directions or of one.
  if ((t.zone.value_or(0) != 0) + (t.direction_zone[0].value_or(0) != 0) + (t.direction_zone[1].value_or(0) != 0) > 1)
    return std::nullopt;
  for (size_t d = 0; d < 2; ++d) s.tuple[d].zone = t.zone.value_or(t.direction_zone[d].value_or(0));
  if (t.status) s.status = *t.status | ct::kConfirmed;
  s.timeout = t.timeout;
  if (r.has('m')) s.mark = r.mark;
  if (r.has('<')) s.labels = r.label_change;
  s.tcp = tcp_of(t);
  s.sctp = sctp_of(t);
  s.source_nat = nat_of(t, 0);
  s.destination_nat = nat_of(t, 1);
  return s;
}

CommandReply conntrack_create(Gateway& gateway, const CtRequest& r, Time now) {
  const std::optional<EntryState> wanted = r.family == 4 ? wanted_entry(r) : std::nullopt;
  int code = r.family == 4 ? EINVAL : EOPNOTSUPP;
  if (wanted) {
    code = gateway.conntrack().create_entry(
        *wanted, [&](ct::Connection& c, const EntryState& s, Time t) { return gateway.nat().setup_entry(c, s, t); },
        now);
  }
  const bool add = r.command == CtCommand::kAdd;
  if (code != 0 && !(add && code == EEXIST)) return failed(code, r);
  CommandReply reply;
  reply.err = r.warnings;
  count(reply, code == 0 ? 1 : 0, add ? "added" : "created", !add);
  return reply;
}

CommandReply conntrack_update(Gateway& gateway, const CtRequest& r, Time now) {
  CommandReply reply;
  reply.err = r.warnings;
  size_t n = 0;
  bool stopped = false;
  gateway.conntrack().for_each([&](ct::Connection& c) {
    bool any;
    if (stopped || !selects_for_update(r, c)) return;
    const EntryState s = change_of(r, c, now, any);
    if (!any) return;
    // Without an address or -f the program names no family, which the kernel does not take.
    const int code = r.family == 0 ? EOPNOTSUPP : gateway.conntrack().change_entry(c, s, now);
    if (code != 0) reply.err += failure_text(code, r.command) + '\n';
    if (r.family == 0) {
      stopped = true;
      reply.err += conntrack_error(failure_text(code, r.command), false).text;
      return;
    }
    CtRequest shown = r;
    shown.output = static_cast<uint16_t>(r.output & ~kOutKernelTimes);
    reply.out += listed(print_entry(shown, c, now, 1));
    ++n;
  });
  if (stopped)
    reply.exit_code = static_cast<int>(ExitCode::kExpectationFailed);
  else
    count(reply, n, "updated", true);
  return reply;
}

CommandReply conntrack_delete(Gateway& gateway, const CtRequest& r, Time now) {
  CommandReply reply;
  reply.err = r.warnings;
  size_t n = 0;
  CtRequest shown = r;
  shown.output = static_cast<uint16_t>(r.output & ~kOutKernelTimes);
  shown.label_map = {};
  gateway.conntrack().for_each([&](ct::Connection& c) {
    // The kernel leaves out other marks itself; the program's status is a set of bits that must all be there.
    if (!selects(r, c, now)) return;
    reply.out += listed(print_deleted(shown, c, now));
    gateway.conntrack().kill(c, now);
    ++n;
  });
  count(reply, n, "deleted", true);
  return reply;
}

CommandReply conntrack_get(Gateway& gateway, const CtRequest& r, Time now) {
  if (r.family != 4) return failed(ENOENT, r);
  const bool original = r.tmpl.address[0] || r.tmpl.address[1];
  CtDirection direction;
  ct::Connection* c = gateway.conntrack().find(tuple_of(r.tmpl, original ? 0 : 1), {}, direction, now);
  if (c == nullptr) return failed(ENOENT, r);
  CommandReply reply;
  reply.err = r.warnings;
  size_t n = 0;
  if (selects(r, *c, now)) {
    if ((r.output & kOutXml) != 0) reply.out = xml_head("conntrack");
    reply.out += listed(print_entry(r, *c, now, 1));
    ++n;
  }
  count(reply, n, "shown", true);
  return reply;
}

CommandReply expect_create(Gateway& gateway, const CtRequest& r, Time now) {
  ct::ExpectState e;
  e.tuple.protocol = e.mask.protocol = r.tmpl.protocol.value_or(0);
  e.tuple.source = r.tuple[0].value_or(Be32{});
  e.tuple.destination = r.tuple[1].value_or(Be32{});
  e.mask.source = r.mask[0].value_or(Be32{});
  e.mask.destination = r.mask[1].value_or(Be32{});
  e.tuple.source_id = r.tuple_port[0].value_or(Be16{});
  e.tuple.destination_id = r.tuple_port[1].value_or(Be16{});
  e.mask.source_id = r.mask_port[0].value_or(Be16{});
  e.mask.destination_id = r.mask_port[1].value_or(Be16{});
  e.master = tuple_of(r.tmpl, 0);
  e.timeout = r.tmpl.timeout;
  // The kernel gives it the master's helper to show; it is not given to the expected connection.
  const ct::ExpectFunction* const functions[] = {follow(gateway)};
  const int code = ct::create_expectation(gateway.conntrack(), e, functions, now);
  if (code != 0) return failed(code, r);
  CommandReply reply;
  reply.err = r.warnings;
  return reply;
}

CommandReply expect_delete(Gateway& gateway, const CtRequest& r, Time now) {
  ct::Expectations& all = gateway.conntrack().expectations();
  ct::Expectation* e = all.find(tuple_of(r.tmpl, 0), 0, now);
  if (e == nullptr) return failed(ENOENT, r);
  all.unexpect(*e, now);
  // The program counts nothing here and takes that for a failure; what was asked for is done.
  CommandReply reply;
  reply.err = r.warnings + strf("%s: 1 expectations have been deleted.\n", kConntrackVersion);
  return reply;
}

CommandReply expect_get(Gateway& gateway, const CtRequest& r, Time now) {
  ct::Expectation* e = gateway.conntrack().expectations().find(tuple_of(r.tmpl, 0), 0, now);
  if (e == nullptr) return failed(ENOENT, r);
  CommandReply reply;
  reply.err = r.warnings;
  reply.out = listed(print_expectation(r, *e, now));
  return reply;
}

}  // namespace nf
