// SPDX-License-Identifier: BSL-1.0
// ---- Where things are

const view = {from: first, to: end};  // real numbers; a step takes the room up to the next one
const least = Math.min(total, 6);
const place = {};
let look = {}, hovered = null, selected = null, waiting = false;

const perStep = () => place.width / (view.to - view.from);
const xOf = (step) => place.left + (step - view.from) * perStep();
const stepAt = (x) => view.from + (x - place.left) / perStep();
const laneTop = (index) => place.head + index * place.lane - plot.scrollTop;

function readLook() {
  const style = getComputedStyle(document.documentElement);
  look = {font: getComputedStyle(document.body).fontFamily, lanes: []};
  for (const name of ["panel", "ink", "soft", "line", "accent", "bad", "hover", "loss"]) {
    look[name] = style.getPropertyValue("--" + name).trim();
  }
  for (let i = 0; i < 8; ++i) look.lanes.push(style.getPropertyValue("--lane" + i).trim());
}

function setFont(size, weight = 400) { pen.font = `${weight} ${size}px ${look.font}`; }

function arrange() {
  const width = plot.clientWidth, narrow = width < 640;
  setFont(13, 550);
  const names = lanes.slice(0, 500).map((lane) => pen.measureText(lane.name.slice(0, 80)).width);
  const label = Math.min(Math.max(230, width * 0.25), Math.max(70, ...names) + 34);
  place.narrow = narrow;
  place.left = narrow ? 12 : Math.ceil(label);
  place.width = Math.max(40, width - place.left - (narrow ? 12 : 18));
  place.right = place.left + place.width;
  place.lossTop = 16;
  place.lossHeight = data.losses.length ? (narrow ? 120 : 160) : 0;
  place.axis = place.lossHeight ? place.lossTop + place.lossHeight + 6 : 4;
  place.head = place.axis + (perEpoch ? 46 : 28);
  place.lane = narrow ? 42 : 30;
  const full = place.head + lanes.length * place.lane + 8;
  chart.style.height = "0";
  $("room").style.height = full + "px";
  place.height = Math.min(full, plot.clientHeight);
  chart.style.width = width + "px";
  chart.style.height = place.height + "px";
  place.scale = window.devicePixelRatio || 1;
  chart.width = Math.round(width * place.scale);
  chart.height = Math.round(place.height * place.scale);
}

function show(from, to) {
  const span = Math.min(total, Math.max(least, to - from));
  view.from = Math.min(end - span, Math.max(first, from));
  view.to = view.from + span;
  redraw();
}

function zoom(factor, around) {
  const span = Math.min(total, Math.max(least, (view.to - view.from) * factor));
  const part = (around - view.from) / (view.to - view.from);
  show(around - part * span, around - part * span + span);
}

function pan(steps) { show(view.from + steps, view.to + steps); }
const isWhole = () => view.to - view.from >= total;

function showWindow(lane) {
  if (lane.starts === null) return;
  const to = (lane.ends === null ? end - 1 : lane.ends) + 1;
  const edge = (to - lane.starts) * 0.04;
  show(lane.starts - edge, to + edge);
  const top = laneTop(lanes.indexOf(lane));
  if (top < place.head || top + place.lane > place.height) plot.scrollTop += top - place.head;
  plot.scrollIntoView({block: "nearest"});
}
