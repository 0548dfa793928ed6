// A form: stories written one after another, in the order their packets came. Each form is a file of its own here.
//
//   text             for people, a block a packet                    text_form.h
//   json             a line an event, for programs                   json_form.h
//   pcapng           for Wireshark: the reason as packet comment     pcapng_form.h
//   trace            lines of the kernel's TRACE                     kernel_trace_form.h
//   xtables-monitor  lines of `xtables-monitor --trace`              xtables_monitor_form.h
//   html             one self-contained page                         html_form.h
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/result.h"
#include "tools/trace/story.h"
#include "tools/words/words.h"

namespace nf::forms {

struct FormOptions {
  words::Language language = words::Language::kEnglish;
  trace::Level level = trace::Level::kDecisions;  // text
  bool colour = false;                            // text
  bool hooks = false;                             // pcapng: an interface block per hook
};

// What a form may say of the machine around the packets.
struct Surroundings {
  std::string lab;  // its name, for a headline
  struct Rule {
    std::string table, chain;
    uint32_t number;  // 1-based; 0: the policy, `text` is "ACCEPT" or "DROP"
    std::string text;
    uint64_t packets, bytes;
  };
  std::vector<Rule> rules;  // before the first packet, in the order of iptables-save
  struct Device {
    std::string name, addresses;  // "192.168.66.100/24 10.0.0.1/8"
    std::string master;           // bridge
  };
  std::vector<Device> devices;
};

class Form {
 public:
  virtual ~Form() = default;
  // Whether a Recorder has to keep bytes for it.
  virtual bool wants_bytes() const { return false; }
  virtual bool wants_rules() const { return false; }  // RecorderOptions::keep_rules
  virtual void begin(const Surroundings&) {}
  virtual void story(const trace::Story& story) = 0;
  virtual void end() {}
};

// Gets the form's output piece by piece, in order.
using Write = std::function<void(std::string_view)>;

// "text", "json", "pcapng", "trace", "xtables-monitor", "html". The error names them all.
Result<std::unique_ptr<Form>> make_form(std::string_view name, const FormOptions& options, Write write);

}  // namespace nf::forms
