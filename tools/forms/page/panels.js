// The lists beside the picture: packets, steps, rules with their counters, connections.

function make(tag, name, parent, text) {
  const e = document.createElement(tag);
  if (name) e.className = name;
  if (text !== undefined) e.textContent = text;
  if (parent) parent.append(e);
  return e;
}
// A rule's text as iptables-save prints it, broken at its blanks only.
function make_rule_text(parent, text, name = "") {
  const code = make("code", "rule-text " + name, parent);
  text.trim().split(" ").forEach((piece, i) => {
    if (i) code.append(" ");
    make("span", "", code, piece);
  });
  return code;
}
function make_badge(parent, step) {
  const jumps = step.verdict === "JUMP" || step.verdict === "GOTO";
  const good = !jumps && step.verdict !== "RETURN" && step.verdict !== "CONTINUE";
  return make("span", "badge" + (step.verdict === "DROP" ? " bad" : good ? " good" : ""), parent,
    (jumps ? "→ " : "") + (step.target || step.verdict));
}
// To the middle of its scrolling holder, unless it is well in sight; the page itself stays where it is.
function scroll_to(holder, e) {
  const at = e.getBoundingClientRect(), room = holder.getBoundingClientRect();
  if (at.top < room.top + 32 || at.bottom > room.bottom - 24)
    holder.scrollTop += (at.top + at.bottom - room.top - room.bottom) / 2;
}

// Only the rows in sight exist.
class PacketList {
  constructor(chosen) {
    this.list = element("list");
    this.rows = element("rows");
    this.chosen = chosen;
    this.shown = stories.map((_, i) => i);
    this.make_room();
    this.list.addEventListener("scroll", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(this.list);
    this.rows.addEventListener("click", (event) => {
      const row = event.target.closest(".packet");
      if (row) this.chosen(Number(row.dataset.packet));
    });
  }
  get row_height() {
    return 52;
  }
  filter(text) {
    const wanted = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
    this.shown = [];
    stories.forEach((s, i) => {
      const in_words = `${s.number} ${s.device} ${s.packet} ${s.fate} ${word("html.fate." + s.fate)}`.toLowerCase();
      if (wanted.every((w) => in_words.includes(w))) this.shown.push(i);
    });
    this.make_room();
    this.list.scrollTop = 0;
    this.draw();
  }
  make_room() {
    this.rows.style.height = Math.max(1, this.shown.length) * this.row_height + "px";
  }
  show(packet) {
    this.packet = packet;
    const at = this.shown.indexOf(packet), top = at * this.row_height;
    if (at >= 0 && top < this.list.scrollTop) this.list.scrollTop = top;
    if (at >= 0 && top + this.row_height > this.list.scrollTop + this.list.clientHeight)
      this.list.scrollTop = top + this.row_height - this.list.clientHeight;
    this.draw();
  }
  // The packet `by` places further in what is shown.
  neighbour(packet, by) {
    if (!this.shown.length) return packet;
    let at = this.shown.indexOf(packet);
    if (at < 0) at = by > 0 ? -1 : this.shown.length;
    return this.shown[Math.min(Math.max(at + by, 0), this.shown.length - 1)];
  }
  draw() {
    element("packets-count").textContent = this.shown.length === stories.length ? stories.length
      : word("html.count_of", this.shown.length, stories.length);
    this.rows.textContent = "";
    if (!this.shown.length) make("p", "empty", this.rows, word(stories.length ? "html.nothing_found" : "html.no_packets"));
    const first = Math.max(0, Math.floor(this.list.scrollTop / this.row_height) - 3);
    const last = Math.min(this.shown.length, first + Math.ceil(this.list.clientHeight / this.row_height) + 7);
    this.list.removeAttribute("aria-activedescendant");
    for (let at = first; at < last; ++at) this.draw_row(at);
  }
  draw_row(at) {
    const packet = this.shown[at], story = stories[packet];
    const row = make("div", "packet", this.rows);
    row.id = "packet-" + story.index;
    row.dataset.packet = packet;
    row.style.top = at * this.row_height + "px";
    row.setAttribute("role", "option");
    row.setAttribute("aria-setsize", this.shown.length);
    row.setAttribute("aria-posinset", at + 1);
    row.setAttribute("aria-selected", packet === this.packet);
    if (packet === this.packet) this.list.setAttribute("aria-activedescendant", row.id);
    const head = make("div", "line", row);
    make("span", "number", head, story.number);
    make("span", "time", head, seconds_since_start(story).toFixed(6));
    make("span", "dev", head, story.device);
    make("span", "fate " + story.fate, head, word("html.fate." + story.fate));
    make("div", "description", row, story.packet.replace(/ length \d+$/, "")).title = story.packet;
  }
}

// The steps of one packet, grouped by hook.
class StepList {
  constructor(chosen) {
    this.holder = element("steps");
    this.holder.addEventListener("click", (event) => {
      const step = event.target.closest(".step");
      if (step) chosen(Number(step.dataset.step));
    });
  }
  show(story, shown, current) {
    this.holder.textContent = "";
    const list = make("ol", "", this.holder);
    for (const index of shown) {
      const s = story.steps[index];
      const item = make("li", "", list);
      const step = make("button", "step k-" + s.kind + (s.made ? " made-by" : "") + (s.level > 1 ? " small" : "") +
        (index > current ? " ahead" : ""), item);
      step.type = "button";
      step.dataset.step = index;
      if (s.place) step.dataset.place = s.place;
      if (s.verdict === "DROP") step.classList.add("drop");
      if (s.kind === "hook") {
        make("b", "", step, s.hook);
        make("span", "ends", step, `${s.fields.in || "-"} → ${s.fields.out || "-"}`);
      } else {
        make("span", "dot", step).setAttribute("aria-hidden", "true");
        this.tell(make("span", "text", step), s);
      }
      if (index === current) {
        step.setAttribute("aria-current", "step");
        this.current = step;
      }
    }
    make("p", "verdict " + story.fate, this.holder, "=> " + render(story.verdict));
    if (this.current) scroll_to(this.holder, this.current);
  }
  tell(text, s) {
    if (!s.rule || (s.kind !== "rule" && s.kind !== "miss")) return void text.append(render(s.said));
    if (s.kind === "rule") {
      text.append(s.place + " ");
      make_badge(text, s);
    } else {
      text.append(render({ ...s.said, values: [s.place, s.rule] }));
    }
    make_rule_text(text, s.rule);
  }
}

// All rules, table by table, built once; a step changes numbers and marks.
class RuleList {
  constructor() {
    this.holder = element("rules");
    this.rows = new Map();
    let table = "", chain = "", place = null;
    if (!rules.length) make("p", "empty", this.holder).dataset.word = "html.no_rules";
    for (const r of rules) {
      if (r.table !== table) {
        make("h3", "", this.holder, r.table);
        place = make("div", "table-rules", this.holder);
        chain = "";
      }
      table = r.table;
      const policy = !r.number;
      if (policy || r.chain !== chain) this.add(place, r, policy);
      chain = r.chain;
      if (!policy) this.add(place, r, false, true);
    }
  }
  // A chain's heading, with the policy's counter if it has a policy; or a rule.
  add(place, r, policy, rule = false) {
    const key = rule_key(r.table, r.chain, rule ? r.number : 0);
    if (!rule && this.rows.has(key)) return;
    const row = make("div", rule ? "rule" : "chain", place);
    row.dataset.rule = `${r.table}:${r.chain}:${rule ? r.number : policy ? "policy" : ""}`;
    make("span", "n", row, rule ? r.number : "");
    const text = make("span", "text", row);
    if (rule) make_rule_text(text, r.text);
    else make("b", "", text, r.chain);
    if (policy) make("span", "policy " + r.text, text, r.text);
    const why = make("span", "why", text);
    const packets = make("span", "hits", row), bytes = make("span", "bytes", row);
    this.rows.set(key, { row, packets, bytes, why, counts: rule || policy });
  }
  show(story, current, ledger) {
    for (const r of this.rows.values()) {
      r.row.classList.remove("met", "missed", "here", "drop");
      r.row.removeAttribute("aria-current");
      if (r.why.textContent) r.why.textContent = "";
    }
    let here = null;
    for (let i = 0; i <= current; ++i) {
      const s = story.steps[i];
      const r = s.table && !s.end ? this.rows.get(rule_key(s.table, s.chain, s.kind === "policy" ? 0 : s.number)) : null;
      if (!r) continue;
      r.row.classList.add(s.kind === "miss" ? "missed" : "met");
      r.row.classList.toggle("drop", s.verdict === "DROP" && s.kind !== "miss");
      if (s.kind === "miss") r.why.textContent = word("html.missed", render((s.said.inner || [])[0]));
      here = r;
      if (i !== current) continue;
      r.row.classList.add("here");
      r.row.setAttribute("aria-current", "true");
    }
    for (const [key, r] of this.rows) {
      if (!r.counts) continue;
      const [packets, bytes] = ledger.counters.get(key);
      this.count(r.packets, packets);
      this.count(r.bytes, bytes);
    }
    if (here) scroll_to(this.holder, here.row);
  }
  count(cell, n) {
    if (cell.textContent === String(n)) return;
    cell.textContent = n;
  }
}

class EntryList {
  constructor() {
    this.holder = element("entries");
    this.known = new Set();
  }
  show(story, ledger) {
    const entries = ledger.entries_at(story);
    element("entries-count").textContent = entries.length;
    this.holder.textContent = "";
    if (!entries.length) make("p", "empty", this.holder, word("html.no_entries"));
    const now = new Set();
    let touched = null;
    // Those of this packet first: of many, they are the ones looked for.
    entries.sort((a, b) => (b.packet === story.index) - (a.packet === story.index));
    for (const e of entries.slice(0, 200)) {
      const mine = e.packet === story.index;
      const id = e.id + (e.confirmed ? "c" : "u");
      now.add(id);
      const card = make("div", "entry" + (mine ? " mine" : "") + (e.confirmed ? "" : " unconfirmed") +
        (this.known.has(id) ? "" : " fresh"), this.holder);
      card.dataset.entry = [e.protocol, e.state, e.original, e.reply].join("|");
      card.dataset.left = e.left;
      const head = make("div", "line", card);
      make("b", "", head, e.protocol);
      if (e.state) make("span", "state", head, e.state);
      if (!(e.status & 2)) make("span", "flag", head, "UNREPLIED");
      else if (e.status & 4) make("span", "flag", head, "ASSURED");
      make("span", "left", head, word("html.seconds", e.left));
      make("div", "tuple", card, e.original);
      const reply = make("div", "tuple reply", card);
      make("span", "what", reply, word("html.reply"));
      reply.append(e.reply);
      if (!e.confirmed) make("div", "note", card, word("html.unconfirmed"));
      if (mine && !touched) touched = card;
    }
    if (entries.length > 200) make("p", "empty", this.holder, word("html.count_of", 200, entries.length));
    this.known = now;
    this.holder.scrollTop = 0;
  }
}
