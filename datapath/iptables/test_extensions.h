// Extensions made for tests: matches and targets that count their lives and do as they are told. Only tests include it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "datapath/iptables/extension.h"
#include "datapath/packet/rewrite.h"

namespace nf::ipt {

// What the extensions of a registry did, in order: "attach a", "detach a", "finish a hooks=2".
struct Journal {
  std::vector<std::string> lines;
};

// "-m probe --name a [--hotdrop] [--miss]"
class ProbeMatch final : public Match {
 public:
  explicit ProbeMatch(Journal& journal) : journal_(journal) {}
  std::string_view name() const override { return "probe"; }
  Result<bool> parse_option(OptionReader& o) override {
    if (o.name() == "--hotdrop") {
      hotdrop_ = true;
      return true;
    }
    if (o.name() == "--miss") {
      miss_ = true;
      return true;
    }
    if (o.name() != "--name") return false;
    auto value = o.argument();
    if (!value) return value.error();
    value_ = *value;
    return true;
  }
  Status finish(const RuleContext& c) override {
    if (value_.empty()) return error("probe: --name is required");
    if (c.hooks != 0) journal_.lines.push_back("finish " + value_ + " hooks=" + std::to_string(c.hooks));
    return {};
  }
  void save(std::string& out) const override { out += " --name " + value_; }
  void list(std::string& out, bool) const override { out += " probe " + value_; }
  void attach(Stack&) override { journal_.lines.push_back("attach " + value_); }
  void detach(Stack&) override { journal_.lines.push_back("detach " + value_); }
  bool match(const MatchInput& in) override {
    journal_.lines.push_back("match " + value_);
    if (hotdrop_) in.hotdrop = true;
    return !hotdrop_ && !miss_;
  }

 private:
  Journal& journal_;
  std::string value_;
  bool hotdrop_ = false, miss_ = false;
};

// "-j ACT --do accept|drop|continue|return|steal|reason|tos|mark|port|source|destination"
class ActTarget final : public Target {
 public:
  std::string_view name() const override { return "ACT"; }
  Result<bool> parse_option(OptionReader& o) override {
    if (o.name() != "--do") return false;
    auto value = o.argument();
    if (!value) return value.error();
    what_ = *value;
    return true;
  }
  void save(std::string& out) const override { out += " --do " + what_; }
  void list(std::string& out, bool) const override { out += " do " + what_; }
  TargetVerdict target(PacketPtr& p, const HookState&) override {
    if (what_ == "accept") return TargetVerdict::kAccept;
    if (what_ == "drop") return TargetVerdict::kDrop;
    if (what_ == "return") return TargetVerdict::kReturn;
    if (what_ == "reason") {
      p->drop_reason = static_cast<uint8_t>(DropReason::kIptablesReject);
      return TargetVerdict::kDrop;
    }
    if (what_ == "steal") {
      p.reset();
      return TargetVerdict::kStolen;
    }
    if (what_ == "tos") set_tos(*p, 0x10);
    if (what_ == "mark") p->mark = 7;
    if (what_ == "port") set_port(*p, ManipType::kDestination, be16(9999));
    if (what_ == "source") set_address(*p, ManipType::kSource, ip4(9, 9, 9, 9));
    if (what_ == "destination") set_address(*p, ManipType::kDestination, ip4(9, 9, 9, 9));
    return TargetVerdict::kContinue;
  }

 private:
  std::string what_;
};

inline void register_test_extensions(ExtensionRegistry& registry, Journal& journal) {
  registry.add(MatchSpec{"probe", [&journal] { return std::make_unique<ProbeMatch>(journal); }});
  registry.add(TargetSpec{"ACT", [] { return std::make_unique<ActTarget>(); }});
}

}  // namespace nf::ipt
