// The command line. Exit codes: 0 ok, 1 expectation failed, 2 bad input, 3 a feature reached that is not modelled.
#include <cstdio>
#include <string>
#include <vector>

#include "datapath/base/result.h"
#include "tools/hookpoint/client.h"
#include "tools/hookpoint/command.h"

namespace nf::cli {
namespace {

constexpr char kUsage[] =
    R"(hookpoint: Linux netfilter as a userspace router that can say why.

  hookpoint run LAB [--control PATH] [--host-tun NAME] [--trace FILE [--trace-form text|json]]
                    [--log FILE] [--seed N] [--standby]
      be the router of this network namespace; LAB is a folder with network, sysctl.conf, rules.v4;
      with --standby only after `hookpoint handover --from-kernel`

  hookpoint replay LAB --in IF=FILE [--in IF=FILE ...] --out DIR [--checksum] [--trace] [--seed N]
      captures (pcap, pcapng) through the same router, in capture time, without root

  hookpoint explain LAB 'PACKET'...               "ens33: tcp 192.168.66.1:39002 > 192.168.66.100:80 S", "host: ..."
  hookpoint explain LAB --connect 'PACKET'        a whole conversation with built-in ends: tcp, udp, ping
  hookpoint explain LAB --in IF=FILE [--in ...] [--filter EXPR] [--packet N]
      every decision of a packet and why, without root
      --conntrack FILE  the table before: conntrack -L, -o save or /proc/net/nf_conntrack
      --why-not RULE    why its counter does not move; nat:PREROUTING:2, or its text
      -o text|json|pcapng|trace|xtables-monitor|html[=FILE], --out FILE, --hooks, --lang en|zh,
      --verbose verdict|decisions|everything (-q, -v), --color auto|always|never, --seed N

  hookpoint scenario [--backend memory|gateway|kernel] [--format text|tap|junit] [--known FILE] [--jobs N] [-v]
                     FILE|FOLDER...
      packets in and what must be seen (*.scn), on the engine, on a running gateway, or on this machine's kernel

  hookpoint certify [--seed N] [--labs N] [--packets N] [--seconds N] [--jobs N] [--known FILE] [--out DIR] [--no-shrink]
                    [--no-paths]
      random labs and traffic on this machine's kernel and on the engine, compared packet by packet, without root
  hookpoint certify LAB --in IF=FILE [--in IF=FILE ...] [--known FILE]
      the same with captures through a lab

  hookpoint diff LAB_A LAB_B --in IF=FILE [--in ...] [--filter EXPR] [--lang en|zh] [-o text|json] [--limit N] [--paths]
      two labs over one capture: packets whose fate, bytes or NAT differ, grouped by what made the difference

  hookpoint shrink LAB --in IF=FILE [--in ...] --until CONDITION [--out DIR] [--runs N] [--checksum] [--lang en|zh]
      the smallest capture and lab that still show it, as a scenario and a script for the kernel. CONDITION:
      dropped [REASON], sent on LINK, delivered, rule nat:PREROUTING:2 hit, why KEY, event 'LINE', differs LAB_B,
      about "packet N" or 'FILTER', with "not" and "and"

  Asking a running gateway (--control PATH when there are several):
  hookpoint trace [--filter EXPR] [--rate N] [--count N] [-o text|json|pcapng|trace|xtables-monitor|html] [--hooks]
                  [--verbose verdict|decisions|everything] [-q] [-v] [--lang en|zh] [--color auto|always|never]
      tells of packets as they come, those that pass the tcpdump expression, at most N (100) a second, until ^C
  hookpoint iptables-save [-c] [-t TABLE]
  hookpoint iptables-restore [-c] [-n] [FILE]
  hookpoint iptables [-t TABLE] -L [CHAIN] [-n] [-v] [-x] [--line-numbers] | -S [CHAIN] | -Z [CHAIN]
  hookpoint conntrack -L | -E | -S | -C | -I | -A | -U | -D | -G | -F | -R FILE ... [expect]
      everything conntrack(8) 1.4.7 takes (-h tells), and -o json, -o procfs
  hookpoint sysctl [-w] [-n] NAME... | NAME=VALUE... | -a
  hookpoint handover --to-kernel | --from-kernel
      moves all connections by ctnetlink; who has them has the traffic. 1: something could not be moved whole
  hookpoint sync       answers when everything that came in until now is done

Exit codes: 0 ok, 1 expectation failed, 2 bad input, 3 a feature reached that is not modelled.
)";

int ask(const std::string& command, Arguments args) {
  std::string control;
  std::vector<std::string> words{command};
  while (!args.done()) {
    if (args.option("--control", control)) continue;
    words.push_back(args.take());
  }
  if (!args.missing().empty()) return refuse(command + ": --control needs an argument");
  return nf::ask_gateway(control, words);
}

int dispatch(const std::string& command, const Arguments& args) {
  static constexpr struct {
    const char* name;
    int (*run)(Arguments);
  } kCommands[] = {
      {"run", run_command},         {"replay", replay_command}, {"scenario", scenario_command},
      {"certify", certify_command}, {"trace", trace_command},   {"explain", explain_command},
      {"diff", diff_command},       {"shrink", shrink_command},
  };
  for (const auto& c : kCommands)
    if (command == c.name) return c.run(args);
  for (const char* name : {"iptables-save", "iptables", "conntrack", "iptables-restore", "sysctl", "sync", "handover"})
    if (command == name) return ask(command, args);
  return refuse("unknown command \"" + command + "\"");
}

}  // namespace
}  // namespace nf::cli

int main(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "--help" || command == "-h" || command == "help") {
    std::fputs(nf::cli::kUsage, stdout);
    return 0;
  }
  if (command.empty()) {
    std::fputs(nf::cli::kUsage, stderr);
    return static_cast<int>(nf::ExitCode::kBadInput);
  }
  return nf::cli::dispatch(command, nf::cli::Arguments(argc - 2, argv + 2));
}
