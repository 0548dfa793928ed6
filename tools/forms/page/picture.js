// The picture of the hooks, with a packet's way in it.

const kSvg = "http://www.w3.org/2000/svg";
function svg(tag, attributes, parent, text) {
  const e = document.createElementNS(kSvg, tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  if (text !== undefined) e.textContent = text;
  if (parent) parent.append(e);
  return e;
}

// What happened up to a step to one packet of a story: the nodes it came by, in order, and what each hook's tables did.
//   nodes: [{ node, index }]; rows: "HOOK table" -> { state, note }; rewrites: HOOK -> { what, before, after }
// States: ran, decided, odd (INVALID, UNTRACKED), dropped, skipped.
function way_of(story, made, upto) {
  const nodes = [], rows = new Map(), rewrites = new Map();
  const state = { nodes, rows, rewrites, device_in: "", device_out: "", bridge: "", dropped: false };
  const last = () => (nodes.length ? nodes[nodes.length - 1].node : "");
  const come = (node, index, over_lo) => {
    if (last() !== node || over_lo) nodes.push({ node, index, over_lo });
  };
  if (!made) come(story.from_host ? "local" : "in", 0);
  if (!made && !story.from_host) state.device_in = story.device;
  story.steps.forEach((s, index) => {
    if ((s.made || 0) !== made || index > upto) return;
    const row = (table, what) => {
      if (what) rows.set(s.hook + " " + table, what);
    };
    const node = node_of(s, last());
    if (node) come(node, index, s.kind === "loopback");
    switch (s.kind) {
      case "hook":
        if (s.fields.out && s.fields.out !== "-") state.device_out = s.fields.out;
        break;
      case "rule":
        if (!s.end) row(s.table, rule_row(s, rows.get(s.hook + " " + s.table)));
        break;
      case "miss":
        if (!rows.has(s.hook + " " + s.table)) row(s.table, { state: "ran", note: "" });
        break;
      case "policy": {
        const before = rows.get(s.hook + " " + s.table);
        const drop = s.verdict === "DROP";
        row(s.table, { state: drop ? "dropped" : before && before.state === "decided" ? "decided" : "ran",
          note: before && before.state === "decided" && !drop ? before.note : s.verdict });
        break;
      }
      case "conntrack":
        row("conntrack", { state: s.fields.ctinfo === "INVALID" || s.fields.ctinfo === "UNTRACKED" ? "odd" : "decided",
          note: s.fields.ctinfo.replace(" (reply)", " ↩") });
        break;
      case "confirmed":
        row("confirm", { state: "decided", note_key: "html.confirmed" });
        break;
      case "nat_skipped":
        row("nat", s.said.key === "step.nat_without_effect" ? { state: "ran", note_key: "html.no_effect" }
          : { state: "skipped", note: s.fields.reason, why: s.said });
        break;
      case "nat_set_up":
        if (s.fields.null_binding !== "true") break;
        row("nat", { state: "ran", note_key: "html.no_effect" });
        break;
      case "nat_rewrote":
        rewrites.set(s.hook, { ...rewrite(s), said: s.said });
        break;
      case "bridge":
        state.bridge = s.fields.bridge;
        break;
      case "sent":
        if (!s.fields.waited) state.device_out = s.fields.device;
        break;
      case "loopback":
        state.device_in = "lo";
        break;
      case "dropped":
        state.dropped = true;
        break;
    }
  });
  return state;
}

function rule_row(step, before) {
  const drop = step.verdict === "DROP";
  if (step.verdict === "JUMP" || step.verdict === "GOTO" || step.verdict === "RETURN")
    return before ? null : { state: "ran", note: "" };
  const target = step.target || step.verdict;
  return { state: drop ? "dropped" : "decided", note: target };
}

// The half of the addresses that changed.
function rewrite(step) {
  const source = step.fields.manip === "source";
  const half = (text) => (text || "").split(" > ")[source ? 0 : 1] || text;
  return { what: source ? "src" : "dst", before: half(step.fields.before), after: half(step.fields.after) };
}

// The node a step happens at; `last`: the one the packet is at. "": no other.
function node_of(step, last) {
  switch (step.kind) {
    case "nat_skipped":
      return "";  // it may be told of a hook the packet never came to
    case "route":
      if (step.hook) return step.hook;
      return last === "local" || last === "routing_out" ? "routing_out"
        : ["in", "bridge", "PREROUTING", "routing_in"].includes(last) ? "routing_in" : "";
    case "neighbour":
      return "neighbour";
    case "bridge":
      return "bridge";
    case "sent":
      return step.fields.waited ? "" : "out";
    case "delivered":
    case "made":
      return "local";
    case "loopback":
      return "in";
    default:
      return step.hook || "";
  }
}

class Picture {
  constructor(holder) {
    this.holder = holder;
    this.shape = null;
  }

  // Draws the layout that fits; nothing when it stands already.
  lay_out(narrow) {
    const name = narrow ? "narrow" : "wide";
    if (this.shape && this.shape.name === name && this.language === language) return;
    this.language = language;
    this.shape = narrow ? narrow_shape() : wide_shape();
    const { width, height, nodes, edges, lo } = this.shape;
    this.holder.textContent = "";
    this.svg = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: name, role: "img" }, this.holder);
    this.title = svg("title", {}, this.svg);
    const defs = svg("defs", {}, this.svg);
    for (const kind of ["plain", "lit", "ahead"]) {
      const marker = svg("marker", { id: "head-" + kind, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 8,
        markerHeight: 8, markerUnits: "userSpaceOnUse", orient: "auto" }, defs);
      svg("path", { d: "M0,0.5 L8,4 L0,7.5 Z", class: "head " + kind }, marker);
    }
    this.lo = svg("path", { d: lo.path, class: "edge lo", "marker-end": "url(#head-plain)" }, this.svg);
    this.lo_label = svg("text", { x: lo.label[0], y: lo.label[1], class: "lo-label" }, this.svg, word("html.lo"));
    this.edges = edges.map(([from, to, d]) => svg("path", { d, class: "edge", "data-edge": from + ">" + to,
      "marker-end": "url(#head-plain)" }, this.svg));
    this.nodes = {};
    this.rows = new Map();
    this.feet = {};
    for (const [id, box] of Object.entries(nodes)) this.nodes[id] = this.draw_node(id, box);
  }

  draw_node(id, [x, y, w, h]) {
    const hook = tables_of[id];
    const g = svg("g", { class: "node " + (hook ? "hook" : id.startsWith("routing") || id === "neighbour" ? "pill" : id),
      "data-node": id, transform: `translate(${x},${y})` }, this.svg);
    const round = hook ? 10 : id.startsWith("routing") || id === "neighbour" || id === "bridge" ? Math.min(w, h) / 2 : 10;
    svg("rect", { class: "box", width: w, height: h, rx: round }, g);
    if (hook) {
      svg("text", { class: "hook-name", x: 12, y: 19 }, g, id);
      svg("line", { class: "rule-line", x1: 1, x2: w - 1, y1: kHead, y2: kHead }, g);
      hook.forEach((table, i) => this.draw_row(g, id, table, kHead + 3 + i * kRow, w));
      if (hook.includes("nat")) this.feet[id] = this.draw_foot(g, kHead + 3 + hook.length * kRow, w);
    } else if (id === "in" || id === "out") {
      svg("text", { class: "small", x: w / 2, y: h / 2 - 6 }, g, word("html." + id));
      svg("text", { class: "device", x: w / 2, y: h / 2 + 13, "data-text": "" }, g);
    } else if (id === "bridge") {
      const across = w > h, middle = across ? h / 2 : 120;
      svg("text", { class: "bridge-name", x: w / 2, y: middle + 4, "data-text": "",
        transform: across ? "" : `rotate(-90 ${w / 2} ${middle})` }, g, word("html.bridge"));
    } else {
      const key = id.startsWith("routing") ? "routing" : id;
      const lines = id === "local" ? word("html.local").split(" ") : [word("html." + key)];
      lines.forEach((line, i) => svg("text", { class: "label", x: w / 2, y: h / 2 + 4 + (i - (lines.length - 1) / 2) * 16 }, g, line));
    }
    const cross = svg("g", { class: "cross", transform: `translate(${w},0)` }, g);
    svg("circle", { r: 10 }, cross);
    svg("path", { d: "M-4,-4 L4,4 M4,-4 L-4,4" }, cross);
    return g;
  }

  draw_row(g, hook, table, y, w) {
    const row = svg("g", { class: "table", "data-table": table, "data-hook": hook, transform: `translate(5,${y})` }, g);
    svg("rect", { class: "cell", width: w - 10, height: kRow - 2, rx: 5 }, row);
    svg("text", { class: "table-name", x: 8, y: 14.5 }, row, table);
    svg("text", { class: "note", x: w - 18, y: 14.5 }, row);
    svg("title", {}, row);
    this.rows.set(hook + " " + table, row);
  }

  draw_foot(g, y, w) {
    const foot = svg("g", { class: "foot", transform: `translate(5,${y})` }, g);
    svg("rect", { class: "cell", width: w - 10, height: kFoot - 4, rx: 5 }, foot);
    svg("text", { class: "before", x: 8, y: 15 }, foot);
    svg("text", { class: "after", x: 8, y: 30.5 }, foot);
    svg("title", {}, foot);
    return foot;
  }

  // `current`: the step's index; what comes later is lit faintly.
  show(story, current) {
    const made = story.steps.length ? story.steps[current].made || 0 : 0;
    const way = way_of(story, made, Infinity), now = way_of(story, made, current);
    this.title.textContent = word("html.way_of", story.number, render(story.verdict));
    for (const e of this.edges) this.light(e, "");
    this.light(this.lo, "");
    for (const g of Object.values(this.nodes)) g.setAttribute("class", g.getAttribute("class").replace(/ (lit|ahead|here|drop)/g, ""));
    let before = null;
    for (const at of way.nodes) {
      const how = at.index <= current ? "lit" : "ahead";
      if (at.over_lo) this.light(this.lo, how);
      else if (before) for (const i of edges_between(this.shape, before, at.node)) this.light_over(i, how);
      this.add(at.node, how);
      before = at.node;
    }
    const here = way.nodes.filter((at) => at.index <= current).pop();
    if (here) this.add(here.node, "here");
    if (now.dropped && here) this.add(here.node, "drop");
    this.show_names(way);
    for (const [key, row] of this.rows) this.show_row(row, key, now, way.rows.has(key), now.dropped && here && here.node);
    for (const [hook, foot] of Object.entries(this.feet)) this.show_foot(foot, now.rewrites.get(hook));
    this.lit = here ? here.node : "";
  }

  light(edge, how) {
    const lo = edge === this.lo ? " lo" : "";
    edge.setAttribute("class", "edge" + lo + (how ? " " + how : ""));
    edge.setAttribute("marker-end", `url(#head-${how || "plain"})`);
    if (how === "lit") edge.parentNode.insertBefore(edge, this.nodes.in);
  }

  light_over(index, how) {
    this.light(this.edges[index], how);
    const passed = this.shape.edges[index][1];
    if (!this.nodes[passed].classList.contains("lit")) this.add(passed, how);
  }

  add(node, how) {
    const list = this.nodes[node].classList;
    if (how === "ahead" && list.contains("lit")) return;
    list.remove("ahead");
    list.add(how);
  }

  show_names(way) {
    this.nodes.in.querySelector("[data-text]").textContent = way.device_in || "–";
    this.nodes.out.querySelector("[data-text]").textContent = way.device_out || "–";
    this.nodes.bridge.querySelector("[data-text]").textContent = word("html.bridge") + (way.bridge ? " " + way.bridge : "");
  }

  // `comes`: it does something, now or later; `dropped_at`: the hook the packet has ended in.
  show_row(row, key, now, comes, dropped_at) {
    const [hook, table] = key.split(" ");
    const what = now.rows.get(key);
    let state = "idle", note = "", why = "";
    if (what) {
      state = what.state;
      note = what.note_key ? word(what.note_key) : what.note || "";
      if (what.why) why = render(what.why);
    } else if (comes) {
      state = "ahead";
    } else if (table !== "conntrack" && table !== "confirm" && rules.length && !loaded.has(table + " " + hook)) {
      state = "absent";
      note = word("html.not_loaded");
    } else if (hook === dropped_at) {
      state = "skipped";
      note = word("html.not_reached");
    }
    row.setAttribute("class", "table " + state);
    row.dataset.state = state;
    row.dataset.note = note;
    fit(row.querySelector(".note"), note, row.querySelector(".cell").width.baseVal.value - 26 -
      row.querySelector(".table-name").getComputedTextLength());
    row.querySelector("title").textContent = why || (note ? `${hook} ${table}: ${note}` : "");
  }

  show_foot(foot, rewritten) {
    const on = Boolean(rewritten);
    foot.setAttribute("class", on ? "foot on" : "foot");
    const room = foot.querySelector(".cell").width.baseVal.value - 16;
    fit(foot.querySelector(".before"), on ? `${rewritten.what} ${rewritten.before}` : "", room);
    fit(foot.querySelector(".after"), on ? "=> " + rewritten.after : "", room);
    foot.querySelector("title").textContent = on ? render(rewritten.said) : "";
  }

  // Into view, where the picture is larger than its place.
  reveal() {
    if (!this.lit) return;
    const node = this.nodes[this.lit].getBoundingClientRect(), holder = this.holder.getBoundingClientRect();
    const to = { top: this.holder.scrollTop + node.top - holder.top - (holder.height - node.height) / 2,
      left: this.holder.scrollLeft + node.left - holder.left - (holder.width - node.width) / 2 };
    this.holder.scrollTo({ ...to, behavior: calm() ? "auto" : "smooth" });
  }
}

const loaded = new Set(rules.map((r) => r.table + " " + r.chain));
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// Text that is wider than its place is drawn narrower.
function fit(text, content, room) {
  text.removeAttribute("textLength");
  text.textContent = content;
  if (!content || text.getComputedTextLength() <= room) return;
  text.setAttribute("textLength", room);
  text.setAttribute("lengthAdjust", "spacingAndGlyphs");
}
