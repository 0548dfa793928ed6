// The command line. Exit codes: 0 ok, 1 expectation failed, 2 bad input, 3 a feature reached that is not modelled.
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "datapath/base/result.h"
#include "datapath/base/text.h"
#include "tools/daemon/run.h"
#include "tools/hookpoint/client.h"
#include "tools/replay/replay.h"

namespace {

constexpr char kUsage[] =
    R"(hookpoint: Linux netfilter as a userspace router that can say why.

  hookpoint run LAB [--control PATH] [--host-tun NAME] [--trace FILE] [--log FILE] [--seed N]
      be the router of this network namespace; LAB is a folder with network, sysctl.conf, rules.v4

  hookpoint replay LAB --in IF=FILE [--in IF=FILE ...] --out DIR [--checksum] [--trace] [--seed N]
      captures (pcap, pcapng) through the same router, in capture time, without root

  Asking a running gateway (--control PATH when there are several):
  hookpoint iptables-save [-c] [-t TABLE]
  hookpoint iptables [-t TABLE] -L [CHAIN] [-n] [-v] [-x] [--line-numbers] | -S [CHAIN] | -Z [CHAIN]
  hookpoint conntrack -L | -C | -S | -F | -E [-e NEW,UPDATES,DESTROY] [-o timestamp,extended,id] [SELECTORS]
      selectors: -p -s -d --sport --dport --state -u -m and those of the reply (-r -q --reply-port-src ...)

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

int replay(Arguments args) {
  nf::ReplayOptions options;
  std::string seed, in;
  while (!args.done()) {
    if (args.option("--in", in)) {
      const size_t equals = in.find('=');
      if (!args.missing().empty()) break;
      if (equals == std::string::npos || equals == 0 || equals + 1 == in.size())
        return refuse("replay: --in needs IF=FILE, not \"" + in + "\"");
      options.inputs.emplace_back(in.substr(0, equals), in.substr(equals + 1));
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
  if (command == "iptables-save" || command == "iptables" || command == "conntrack") return ask(command, args);
  return refuse("unknown command \"" + command + "\"");
}
