// The stories, the words, and what counters and connections are at a packet's step.

const element = (id) => document.getElementById(id);
const surroundings = JSON.parse(element("data-surroundings").textContent);
const words = JSON.parse(element("data-words").textContent);
const language_number = { en: 0, zh: 1 };
let language = surroundings.language;

// The sentence of a Said; twin: words::render.
function render(said) {
  if (!said || !said.key) return "";
  const row = words[said.key];
  const text = row ? row[language_number[language]] : said.key;
  return text.replace(/\{(.)\}/g, (blank, name) =>
    name >= "0" && name <= "9" ? (said.values || [])[name] ?? "" : render((said.inner || [])[name.charCodeAt(0) - 97]));
}
const word = (key, ...values) => render({ key, values: values.map(String) });

// Stories: one a line. A story's steps are numbers into all steps told up to it.
const stories = [];
{
  const told = [];
  for (const line of element("data-stories").textContent.split("\n")) {
    if (line.length < 2) continue;
    const story = JSON.parse(line);
    told.push(...story.new);
    story.steps = story.steps.map((n) => told[n]);
    story.new = null;
    story.index = stories.length;  // numbers may be told twice: of a packet and of this host's answer
    stories.push(story);
  }
}
const zero_time = stories.length ? stories[0].time : [0, 0];
const seconds_since_start = (story) => story.time[0] - zero_time[0] + (story.time[1] - zero_time[1]) / 1e9;

// The rules there were before the first packet; of a page that was not told of them, those its packets met.
const rules = surroundings.rules.length ? surroundings.rules : rules_met();
function rules_met() {
  const met = new Map();
  for (const story of stories) {
    for (const s of story.steps) {
      if (!s.table || s.end) continue;
      const number = s.kind === "policy" ? 0 : s.number;
      const text = s.kind === "policy" ? s.verdict : s.rule || "";
      met.set(rule_key(s.table, s.chain, number), { table: s.table, chain: s.chain, number, text });
    }
  }
  const order = ["raw", "mangle", "nat", "filter", "security"];
  return [...met.values()].sort((a, b) => order.indexOf(a.table) - order.indexOf(b.table) ||
    (a.chain < b.chain ? -1 : a.chain > b.chain ? 1 : a.number - b.number));
}
function rule_key(table, chain, number) {
  return table + " " + chain + " " + (number || 0);
}
// Of a step that counts; "" of others. The end of a user chain has no counter.
function counted(step) {
  if (step.kind === "policy") return rule_key(step.table, step.chain, 0);
  return step.kind === "rule" && !step.end ? rule_key(step.table, step.chain, step.number) : "";
}

// What rose and what is tracked, after some steps. Counters count bytes from the IPv4 header on.
class Ledger {
  constructor(other) {
    this.counters = new Map(other ? other.counters : []);
    this.entries = new Map(other ? other.entries : []);
    if (!other) {
      for (const r of rules)
        this.counters.set(rule_key(r.table, r.chain, r.number), [r.packets || 0, r.bytes || 0]);
    }
  }

  // The first `count` steps of a story, or all.
  play(story, count = story.steps.length) {
    const lengths = [];  // of the packets on their way, by Step::made
    const own = length_of(story.packet);
    for (let i = 0; i < count; ++i) {
      const s = story.steps[i], made = s.made || 0;
      if (s.kind === "hook" || s.kind === "made") lengths[made] = length_of(s.fields.description);
      if (s.kind === "fragment" && s.fields.what === "joined") lengths[made] = Number(s.fields.length);
      const key = counted(s);
      if (key) {
        const [packets, bytes] = this.counters.get(key) || [0, 0];
        this.counters.set(key, [packets + 1, bytes + (lengths[made] ?? own)]);
      }
      this.track(story, s, made);
    }
    if (count < story.steps.length) return;
    for (const [id, e] of this.entries)
      if (!e.confirmed && e.packet === story.index) this.entries.delete(id);
  }

  track(story, s, made) {
    const id = s.fields.id;
    if (s.kind === "conntrack" && id && id !== "0") {
      const before = this.entries.get(id);
      const created = s.fields.created === "true";
      const entry = { ...before, id, original: s.fields.original, reply: s.fields.reply, state: s.fields.after || "",
        timeout: Number(s.fields.timeout || 0), at: story.time, status: Number(s.fields.status || 0),
        packet: story.index, confirmed: !created && (!before || before.confirmed) };
      entry.protocol = before ? before.protocol : protocol_of(story, s, made);
      if (created) {
        entry.made = made;
        for (const [other, e] of this.entries)
          if (e.original === entry.original && e.protocol === entry.protocol) this.entries.delete(other);
      }
      this.entries.set(id, entry);
    } else if (this.entries.has(id) && (s.kind === "nat_set_up" || s.kind === "confirmed")) {
      const entry = { ...this.entries.get(id), original: s.fields.original, reply: s.fields.reply, packet: story.index };
      if (s.kind === "confirmed") entry.confirmed = true;
      if (s.kind === "confirmed" && s.fields.timeout) entry.timeout = Number(s.fields.timeout);
      this.entries.set(id, entry);
    } else if (s.kind === "dropped") {
      for (const [other, e] of this.entries)
        if (!e.confirmed && e.packet === story.index && e.made === made) this.entries.delete(other);
    }
  }

  // Those conntrack -L would show, and the one its packet still has to itself.
  entries_at(story) {
    const out = [];
    for (const e of this.entries.values()) {
      const left = e.timeout - (story.time[0] - e.at[0]) - (story.time[1] - e.at[1]) / 1e9;
      if (left > 0 || e.packet === story.index) out.push({ ...e, left: Math.max(0, Math.ceil(left)) });
    }
    return out;
  }
}

function length_of(description) {
  const found = / length (\d+)$/.exec(description || "");
  return found ? Number(found[1]) : 0;
}
function protocol_of(story, step, made) {
  let description = story.packet;
  for (const s of story.steps) {
    if (s === step) break;
    if ((s.kind === "hook" || s.kind === "made") && (s.made || 0) === made) description = s.fields.description;
  }
  return description.split(" ", 1)[0];
}

// Ledgers before every kEvery-th packet, made when first asked for.
const kEvery = 128;
const ledgers = [new Ledger()];
let near = { packet: 0, ledger: ledgers[0] };  // before that packet; never changed once it is here
function ledger_at(packet, steps) {
  const checkpoint = Math.min(Math.floor(packet / kEvery), ledgers.length - 1);
  let at = checkpoint * kEvery, ledger = ledgers[checkpoint];
  if (near.packet <= packet && near.packet >= at) ({ packet: at, ledger } = near);
  ledger = new Ledger(ledger);
  for (; at < packet; ++at) {
    if (at % kEvery === 0 && ledgers.length === at / kEvery) ledgers.push(new Ledger(ledger));
    ledger.play(stories[at]);
  }
  near = { packet, ledger: new Ledger(ledger) };
  ledger.play(stories[packet], steps);
  return ledger;
}
