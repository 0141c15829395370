// SPDX-License-Identifier: BSL-1.0
// ---- The mouse: what is under it, in the step that it points at

/// Where a step is narrower than the mouse is precise, an update that is close by is meant.
function pointedStep(x, lane) {
  const exact = Math.min(end - 1, Math.max(first, Math.floor(stepAt(x))));
  if (!lane || perStep() >= 3) return exact;
  const reach = Math.ceil(3 / perStep());
  const before = dueUpTo(lane.due, exact), after = dueFrom(lane.due, exact);
  const near = [before, after].filter((step) => step !== null && Math.abs(step - exact) <= reach);
  return near.sort((a, b) => Math.abs(a - exact) - Math.abs(b - exact))[0] ?? exact;
}

function laneAt(y) {
  if (y < place.head) return null;
  return lanes[Math.floor((y - place.head + plot.scrollTop) / place.lane)] ?? null;
}

function updateWords(lane, step) {
  if (dueFrom(lane.due, step) === step) return "updates at this step";
  if (!lane.due_complete && step > lane.known) return "not in this page, which has too many before";
  if (lane.starts === null) return "never opens";
  const closed = lane.ends !== null && step > lane.ends;
  return step < lane.starts || closed ? "none: its window is closed" : "none at this step";
}

function distance(step, other) {
  return other === null ? "none" : `step ${whole(other)} (${whole(Math.abs(other - step))} ` +
    `${other < step ? "before" : "after"})`;
}

function describeLane(lane, step) {
  const facts = [["update", updateWords(lane, step)]];
  if (lane.due.length) {
    facts.push(["previous", distance(step, dueUpTo(lane.due, step - 1))]);
    const next = dueFrom(lane.due, step + 1);
    const unknown = next === null && !lane.due_complete;
    facts.push(["next", unknown ? "not in this page" : distance(step, next)]);
  }
  facts.push(["window", windowWords(lane)]);
  if (lane.throws > 0) facts.push(["throws", whole(lane.throws)]);
  return facts;
}

/// With no lane under the mouse: who updates at the step.
function describeAll(step) {
  const busy = lanes.filter((lane) => dueFrom(lane.due, step) === step);
  const names = busy.slice(0, 4).map((lane) => fitted(lane.name, 200)).join(", ");
  const more = busy.length > 4 ? ` and ${busy.length - 4} more` : "";
  return lanes.length ? [["updates", busy.length ? names + more : "none at this step"]] : [];
}

function describe(lane, step) {
  const facts = [["step", whole(step)]];
  if (perEpoch) facts.push(["epoch", epochWords(step)]);
  facts.push(...(lane ? describeLane(lane, step) : describeAll(step)));
  const loss = lossWords(step);
  if (loss !== null) facts.push(["loss", loss]);
  const list = element("dl");
  for (const [name, text] of facts) {
    list.append(element("dt", {}, name), element("dd", {}, text));
  }
  tip.replaceChildren(...(lane ? [element("strong", {}, lane.name)] : []), list);
}

function placeTip(x, y) {
  const width = tip.offsetWidth, height = tip.offsetHeight;
  const left = x + 16 + width > innerWidth - 8 ? x - 16 - width : x + 16;
  const top = y + 18 + height > innerHeight - 8 ? y - 14 - height : y + 18;
  tip.style.left = Math.min(Math.max(8, left), Math.max(8, innerWidth - width - 8)) + "px";
  tip.style.top = Math.max(8, top) + "px";
}

function unhover() {
  if (hovered && hovered.lane) hovered.lane.row.classList.remove("hovered");
  hovered = null;
  tip.hidden = true;
  redraw();
}

function hover(event) {
  unhover();
  if (event.buttons === 0) fingers.clear();  // released where no one was told
  if (fingers.size > 0) return;
  const box = chart.getBoundingClientRect();
  const x = event.clientX - box.left, lane = laneAt(event.clientY - box.top);
  const named = !place.narrow && x < place.left;
  chart.style.cursor = named && lane ? "pointer" : "";
  if (named && !lane) return;
  hovered = {lane, step: pointedStep(x, lane)};
  if (lane) lane.row.classList.add("hovered");
  setFont(13);
  if (named) {
    hovered.step = -Infinity;
    tip.replaceChildren(element("strong", {}, lane.name), lane.cadence);
  } else {
    describe(lane, hovered.step);
  }
  tip.hidden = false;
  placeTip(event.clientX, event.clientY);
}

chart.addEventListener("mousemove", hover);
chart.addEventListener("mouseleave", unhover);

// ---- Wheel, drag, pinch, selection

chart.addEventListener("wheel", (event) => {
  const x = event.clientX - chart.getBoundingClientRect().left;
  if (!place.narrow && x < place.left) return;  // over the names it scrolls, as everywhere else
  const unit = [1, 16, 400][event.deltaMode];
  const across = event.shiftKey ? event.deltaX || event.deltaY : event.deltaX;
  if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
    event.preventDefault();
    pan(across * unit / perStep());
  } else if (event.deltaY < 0 || !isWhole()) {  // from the whole run outwards, the page scrolls
    event.preventDefault();
    const amount = Math.min(300, Math.max(-300, event.deltaY * unit));
    zoom(Math.exp(amount * (event.ctrlKey ? 0.01 : 0.002)), stepAt(x));
  }
  hover(event);
}, {passive: false});

const fingers = new Map();  // a pressed mouse button is one, too; pointer id -> x in the chart
let moved = false;

chart.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  const x = event.clientX - chart.getBoundingClientRect().left;
  moved = false;
  if (event.shiftKey) selected = {anchor: x, from: x, to: x};
  fingers.set(event.pointerId, x);
});

chart.addEventListener("mousedown", (event) => {
  event.preventDefault();  // or else text below is selected
  chart.focus({preventScroll: true});
});

addEventListener("pointermove", (event) => {
  if (!fingers.has(event.pointerId)) return;
  const x = event.clientX - chart.getBoundingClientRect().left;
  const before = [...fingers.values()].slice(0, 2).map(stepAt);
  if (Math.abs(x - fingers.get(event.pointerId)) < 3 && !moved) return;
  if (!moved) unhover();
  moved = true;
  fingers.set(event.pointerId, x);
  if (selected) {
    const edge = Math.min(place.right, Math.max(place.left, x));
    selected.from = Math.max(place.left, Math.min(selected.anchor, edge));
    selected.to = Math.max(selected.anchor, edge);
    return redraw();
  }
  chart.classList.add("dragged");
  const [one, other] = fingers.values();
  if (other === undefined) return pan(before[0] - stepAt(one));
  // What is under the two fingers stays there.
  const size = Math.abs(before[1] - before[0]) / Math.max(8, Math.abs(other - one));
  const from = before[0] - (one - place.left) * size;
  if (size > 0) show(from, from + size * place.width);
});

function release(event) {
  if (!fingers.delete(event.pointerId)) return;
  chart.classList.remove("dragged");
  if (!selected) return;
  const {from, to} = selected;
  selected = null;
  if (event.type === "pointerup" && to - from > 4) show(stepAt(from), stepAt(to));
  redraw();
}
addEventListener("pointerup", release);
addEventListener("pointercancel", release);

chart.addEventListener("click", (event) => {
  const box = chart.getBoundingClientRect(), lane = laneAt(event.clientY - box.top);
  const named = !place.narrow && event.clientX - box.left < place.left;
  if (lane && named && !moved) showWindow(lane);
});
chart.addEventListener("dblclick", () => show(first, end));

// ---- Keys and buttons

const middle = () => (view.from + view.to) / 2;
const actions = {
  "+": () => zoom(0.6, middle()),
  "=": () => zoom(0.6, middle()),
  "-": () => zoom(1 / 0.6, middle()),
  "0": () => show(first, end),
  Home: () => show(first, view.to - view.from + first),
  End: () => show(end - (view.to - view.from), end),
  ArrowLeft: () => pan((view.from - view.to) * 0.15),
  ArrowRight: () => pan((view.to - view.from) * 0.15),
  ArrowUp: () => { plot.scrollTop -= place.lane; },
  ArrowDown: () => { plot.scrollTop += place.lane; },
  Escape: () => { selected = null; unhover(); },
};
chart.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || !actions[event.key]) return;
  event.preventDefault();
  unhover();
  actions[event.key]();
});
$("in").addEventListener("click", actions["+"]);
$("out").addEventListener("click", actions["-"]);
$("whole").addEventListener("click", actions["0"]);

// ---- The address has the view, so that a link can lead to it: timeline.html#176-1232

let addressTimer = 0;

function showAddress() {
  const steps = /^#(\d+)-(\d+)$/.exec(location.hash);
  if (steps && Number(steps[1]) <= Number(steps[2])) show(Number(steps[1]), Number(steps[2]) + 1);
}

function keepAddress() {
  clearTimeout(addressTimer);
  addressTimer = setTimeout(() => {
    const to = Math.ceil(view.to) - 1;
    const hash = isWhole() ? "" : `#${Math.floor(view.from)}-${to}`;
    if (hash === location.hash) return;
    try { history.replaceState(null, "", hash || location.pathname + location.search); }
    catch { }  // where a page may not, such as in a frame
  }, 250);
}

// ---- Begin

function summary() {
  const words = [counted(total, "step")];
  if (perEpoch) {
    words.push(`${decimal(total / perEpoch)} epochs of ${counted(perEpoch, "step")}`);
  }
  words.push(counted(lanes.length, "modifier"));
  const losses = data.losses;
  if (losses.length) {
    words.push(`loss ${short(losses[4], 3)} to ${short(losses[losses.length - 1], 3)}`);
  }
  return words.join(" \u00b7 ");
}

function begin() {
  $("summary").textContent = summary();
  readLook();
  if (lanes.length) makeTable();
  if (total === 0 || (!lanes.length && !data.losses.length)) {
    $("nothing").textContent = total === 0
      ? "There is nothing to draw: the run has no steps."
      : "There is nothing to draw: no modifiers and no losses.";
    $("nothing").hidden = false;
    return;
  }
  for (const id of ["bar", "plot", "help"]) $(id).hidden = false;
  chart.setAttribute("aria-label", `Timeline of ${counted(lanes.length, "modifier")} over steps ` +
    `${whole(first)} to ${whole(end - 1)}. Plus and minus zoom, arrows move, 0 shows the whole ` +
    "run. The table below has the same facts.");
  arrange();
  showAddress();
  draw();
  new ResizeObserver(() => { arrange(); redraw(); }).observe(plot.parentElement);
  plot.addEventListener("scroll", redraw);
  addEventListener("hashchange", showAddress);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    readLook();
    redraw();
  });
}

window.taktTimeline = Object.freeze({get view() { return {from: view.from, to: view.to}; }});
begin();
