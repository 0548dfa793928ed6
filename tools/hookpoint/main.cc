// The command line. Exit codes: 0 ok, 1 expectation failed, 2 bad input, 3 a feature reached that is not modelled.
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "datapath/base/result.h"
#include "datapath/base/text.h"
#include "tools/daemon/run.h"
#include "tools/difftest/certify.h"
#include "tools/hookpoint/client.h"
#include "tools/replay/replay.h"
#include "tools/scenario/run.h"

namespace {

constexpr char kUsage[] =
    R"(hookpoint: Linux netfilter as a userspace router that can say why.

  hookpoint run LAB [--control PATH] [--host-tun NAME] [--trace FILE] [--log FILE] [--seed N]
                    [--standby]
      be the router of this network namespace; LAB is a folder with network, sysctl.conf, rules.v4;
      with --standby only after `hookpoint handover --from-kernel`

  hookpoint replay LAB --in IF=FILE [--in IF=FILE ...] --out DIR [--checksum] [--trace] [--seed N]
      captures (pcap, pcapng) through the same router, in capture time, without root

  hookpoint scenario [--backend memory|gateway|kernel] [--known FILE] [--jobs N] [-v] FILE|FOLDER...
      packets in and what must be seen (*.scn), on the engine, on a running gateway, or on this machine's kernel

  hookpoint certify [--seed N] [--labs N] [--packets N] [--seconds N] [--jobs N] [--known FILE] [--out DIR] [--no-shrink]
      random labs and traffic on this machine's kernel and on the engine, compared packet by packet, without root
  hookpoint certify LAB --in IF=FILE [--in IF=FILE ...] [--known FILE]
      the same with captures through a lab

  Asking a running gateway (--control PATH when there are several):
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

int refuse(const std::string& text) {
  std::fprintf(stderr, "hookpoint: %s\nTry: hookpoint --help\n", text.c_str());
  return static_cast<int>(nf::ExitCode::kBadInput);
}

// Options of one command: `--name value`, `--name=value`, flags, and the words that are neither.
class Arguments {
 public:
  Arguments(int argc, char** argv) : words_(argv, argv + argc) {}
  bool done() const { return at_ == words_.size(); }
  const std::string& peek() const { return words_[at_]; }
  std::string take() { return words_[at_++]; }
  bool flag(const char* name) {
    if (words_[at_] != name) return false;
    ++at_;
    return true;
  }
  // True when the word is `name`; `value` gets its argument, missing_ is set when there is none.
  bool option(const char* name, std::string& value) {
    const std::string& w = words_[at_];
    const size_t n = std::strlen(name);
    if (w.compare(0, n, name) != 0) return false;
    if (w.size() > n && w[n] == '=') {
      value = w.substr(n + 1);
      ++at_;
      return true;
    }
    if (w.size() != n) return false;
    if (at_ + 1 == words_.size()) {
      missing_ = name;
      at_ = words_.size();
      return true;
    }
    value = words_[at_ + 1];
    at_ += 2;
    return true;
  }
  const std::string& missing() const { return missing_; }

 private:
  std::vector<std::string> words_;
  size_t at_ = 0;
  std::string missing_;
};

int run(Arguments args) {
  nf::RunOptions options;
  std::string seed;
  while (!args.done()) {
    if (args.option("--control", options.control) || args.option("--host-tun", options.host_tun) ||
        args.option("--trace", options.trace) || args.option("--log", options.log) || args.option("--seed", seed))
      continue;
    if (args.flag("--standby")) {
      options.standby = true;
      continue;
    }
    if (args.peek().starts_with("-") || !options.lab.empty()) return refuse("run: unexpected \"" + args.peek() + "\"");
    options.lab = args.take();
  }
  if (!args.missing().empty()) return refuse("run: " + args.missing() + " needs an argument");
  if (options.lab.empty()) return refuse("run: which lab?");
  if (!seed.empty()) {
    const auto n = nf::parse_number(seed);
    if (!n || *n == 0) return refuse("run: --seed needs a number from 1");
    options.seed = *n;
  }
  return nf::run_gateway(options);
}

// "IF=FILE"; false: it is none.
bool add_input(const std::string& word, std::vector<std::pair<std::string, std::string>>& inputs) {
  const size_t equals = word.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == word.size()) return false;
  inputs.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  return true;
}

int replay(Arguments args) {
  nf::ReplayOptions options;
  std::string seed, in;
  while (!args.done()) {
    if (args.option("--in", in)) {
      if (!args.missing().empty()) break;
      if (!add_input(in, options.inputs)) return refuse("replay: --in needs IF=FILE, not \"" + in + "\"");
      continue;
    }
    if (args.option("--out", options.out) || args.option("--seed", seed)) continue;
    if (args.flag("--checksum")) {
      options.checksum = true;
      continue;
    }
    if (args.flag("--trace")) {
      options.trace = true;
      continue;
    }
    if (args.peek().starts_with("-") || !options.lab.empty())
      return refuse("replay: unexpected \"" + args.peek() + "\"");
    options.lab = args.take();
  }
  if (!args.missing().empty()) return refuse("replay: " + args.missing() + " needs an argument");
  if (options.lab.empty()) return refuse("replay: which lab?");
  if (options.inputs.empty()) return refuse("replay: at least one --in IF=FILE is needed");
  if (options.out.empty()) return refuse("replay: --out DIR is needed");
  if (!seed.empty()) {
    const auto n = nf::parse_number(seed);
    if (!n) return refuse("replay: --seed needs a number");
    options.seed = *n;
  }
  return nf::replay(options);
}

int certify(Arguments args) {
  nf::difftest::CertifyOptions options;
  std::string seed, labs, packets, seconds, jobs, in, sysctl;
  while (!args.done()) {
    if (args.option("--in", in)) {
      if (!args.missing().empty()) break;
      if (!add_input(in, options.inputs)) return refuse("certify: --in needs IF=FILE, not \"" + in + "\"");
      continue;
    }
    // Makes the engine a wrong one; for tests of certify itself, so not in the usage.
    if (args.option("--engine-sysctl", sysctl)) {
      options.engine_sysctl.push_back(sysctl);
      continue;
    }
    if (args.option("--seed", seed) || args.option("--labs", labs) || args.option("--packets", packets) ||
        args.option("--seconds", seconds) || args.option("--jobs", jobs) || args.option("--known", options.known) ||
        args.option("--out", options.out))
      continue;
    if (args.flag("--no-shrink")) {
      options.shrink = false;
      continue;
    }
    if (args.peek().starts_with("-") || !options.lab.empty())
      return refuse("certify: unexpected \"" + args.peek() + "\"");
    options.lab = args.take();
  }
  if (!args.missing().empty()) return refuse("certify: " + args.missing() + " needs an argument");
  if (options.lab.empty() != options.inputs.empty())
    return refuse("certify: a lab needs a capture and a capture a lab (LAB --in IF=FILE)");
  const auto number = [](const std::string& word, const char* name, uint64_t min, uint64_t max, auto set) {
    if (word.empty()) return 0;
    const auto n = nf::parse_number(word, max);
    if (!n || *n < min) return refuse(std::string("certify: ") + name + " needs a number from " + std::to_string(min));
    set(*n);
    return 0;
  };
  constexpr uint64_t kMany = 1'000'000'000'000;
  if (int code = number(seed, "--seed", 0, kMany, [&](uint64_t n) { options.seed = n; }); code != 0) return code;
  if (int code = number(labs, "--labs", 1, kMany, [&](uint64_t n) { options.labs = n; }); code != 0) return code;
  if (int code = number(packets, "--packets", 1, 60'000, [&](uint64_t n) { options.packets = n; }); code != 0)
    return code;
  if (int code = number(seconds, "--seconds", 1, 1'000'000, [&](uint64_t n) { options.seconds = n; }); code != 0)
    return code;
  const auto set_jobs = [&](uint64_t n) { options.jobs = static_cast<unsigned>(n); };
  if (int code = number(jobs, "--jobs", 1, 1024, set_jobs); code != 0) return code;
  return nf::difftest::certify(options);
}

int scenario(Arguments args) {
  nf::scenario::RunOptions options;
  std::string jobs;
  while (!args.done()) {
    if (args.option("--backend", options.backend) || args.option("--known", options.known) ||
        args.option("--jobs", jobs))
      continue;
    if (args.flag("-v")) {
      options.verbose = true;
      continue;
    }
    if (args.peek().starts_with("-")) return refuse("scenario: unexpected \"" + args.peek() + "\"");
    options.paths.push_back(args.take());
  }
  if (!args.missing().empty()) return refuse("scenario: " + args.missing() + " needs an argument");
  if (options.backend != "memory" && options.backend != "gateway" && options.backend != "kernel")
    return refuse("scenario: --backend is memory, gateway or kernel, not \"" + options.backend + "\"");
  if (options.paths.empty()) return refuse("scenario: which files?");
  if (!jobs.empty()) {
    const auto n = nf::parse_number(jobs, 1000);
    if (!n || *n == 0) return refuse("scenario: --jobs needs a number from 1");
    options.jobs = static_cast<unsigned>(*n);
  }
  return nf::scenario::run_scenarios(options);
}

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

}  // namespace

int main(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "--help" || command == "-h" || command == "help") {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (command.empty()) {
    std::fputs(kUsage, stderr);
    return static_cast<int>(nf::ExitCode::kBadInput);
  }
  const Arguments args(argc - 2, argv + 2);
  if (command == "run") return run(args);
  if (command == "replay") return replay(args);
  if (command == "scenario") return scenario(args);
  if (command == "certify") return certify(args);
  if (command == "iptables-save" || command == "iptables" || command == "conntrack" || command == "iptables-restore" ||
      command == "sysctl" || command == "sync" || command == "handover")
    return ask(command, args);
  return refuse("unknown command \"" + command + "\"");
}
