// Stories for people: a block a packet, a line a decision, in the order things happened.
//
//   packet 1 ens33 tcp 192.168.66.1:39002 > 192.168.66.100:80 SYN length 60
//     PREROUTING in=ens33 out=-: tcp 192.168.66.1:39002 > 192.168.66.100:80 SYN length 60
//       conntrack: NEW, new entry ...
//       nat:DOCKER:rule:2 ACCEPT: ! -i docker0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 172.17.0.2:80
//     ...
//     => sent on veth50b382d as ...
//
// What this host sends because of a packet stands inside the packet's block, further in. With Level::kVerdict a packet
// is one line, with kDecisions a hook in which nothing was decided is left out.
#pragma once

#include "tools/forms/form.h"

namespace nf::forms {

class TextForm final : public Form {
 public:
  TextForm(const FormOptions& options, Write write) : options_(options), write_(std::move(write)) {}
  void story(const trace::Story& story) override;

 private:
  void line(int depth, const std::string& text, const char* colour = nullptr);

  FormOptions options_;
  Write write_;
};

// The same as a string, without colour.
std::string text_of(const trace::Story& story, const FormOptions& options);

}  // namespace nf::forms
