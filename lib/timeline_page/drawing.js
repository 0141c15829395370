// SPDX-License-Identifier: BSL-1.0
// ---- Drawing

/// The 1, 2 or 5 times a power of ten that is not below a number.
function nice(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((digit) => digit * power).find((size) => size >= least * 0.9999999);
}

function line(x1, y1, x2, y2, colour) {
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(Math.round(x1) + 0.5, Math.round(y1) + 0.5);
  pen.lineTo(Math.round(x2) + 0.5, Math.round(y2) + 0.5);
  pen.stroke();
}

function write(text, x, y, colour, align = "left") {
  pen.fillStyle = colour;
  pen.textAlign = align;
  pen.textBaseline = "middle";
  pen.fillText(text, x, y);
}

function writeOver(text, x, y, colour) {  // readable on whatever is there
  pen.strokeStyle = look.panel;
  pen.lineWidth = 4;
  pen.textBaseline = "middle";
  pen.strokeText(text, x, y);
  write(text, x, y, colour);
}

function fitted(text, width) {
  text = text.slice(0, 300);
  if (pen.measureText(text).width <= width) return text;
  let low = 0, high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (pen.measureText(text.slice(0, middle) + "\u2026").width <= width) low = middle;
    else high = middle - 1;
  }
  return text.slice(0, low) + "\u2026";
}

function clipped(left, top, width, height, draw) {
  pen.save();
  pen.beginPath();
  pen.rect(left, top, width, height);
  pen.clip();
  draw();
  pen.restore();
}

/// One row of the axis: its unit is a number of steps. Returns where its marks are.
function drawScale(name, unit, y, smallest) {
  setFont(11.5);
  const widest = pen.measureText(whole(Math.ceil(view.to / unit))).width;
  const span = (view.to - view.from) / unit;
  const gap = Math.max(smallest, nice(span * Math.max(place.narrow ? 54 : 76, widest + 26) /
                                      place.width));
  const digits = Math.max(0, -Math.floor(Math.log10(gap) + 1e-9));
  const named = place.narrow ? pen.measureText(name).width + 8 : 0;
  write(name, place.narrow ? place.left : 14, y, look.soft);
  const marks = [];
  for (let i = Math.ceil(view.from / unit / gap - 1e-9) + 0; i * gap * unit <= view.to; ++i) {
    const x = xOf(i * gap * unit);
    const text = (i * gap).toLocaleString("en-US", {minimumFractionDigits: digits,
                                                    maximumFractionDigits: digits});
    const half = pen.measureText(text).width / 2;
    marks.push(x);
    if (x - half < place.left + named && place.narrow) continue;
    write(text, Math.min(x, place.right + 14 - half), y, look.ink, "center");
  }
  return marks;
}

function drawAxis() {
  line(place.left, place.axis, place.right, place.axis, look.line);
  const steps = drawScale("step", 1, place.axis + 15, 1);
  for (const x of steps) line(x, place.axis, x, place.axis + 5, look.soft);
  place.grid = perEpoch ? drawScale("epoch", perEpoch, place.axis + 32, 0) : steps;
  line(0, place.head - 1, place.right + 40, place.head - 1, look.line);
}

/// The updates, where those that fall on the same pixels are one bar: a lane costs what it is wide.
function drawUpdates(due, top, height) {
  const size = perStep() < 3 ? 1.6 : Math.min(perStep() * 0.62, 12);
  const shift = Math.max(0, (perStep() - size) / 2);
  const dot = 1 / place.scale, close = 1.5;
  const snap = (x) => Math.round(x * place.scale) / place.scale;
  let step = dueFrom(due, Math.floor(view.from) - Math.ceil(size / perStep()));
  let from = 0, to = -1;
  const put = () => {
    pen.globalAlpha = to - from > 20 ? 0.82 : 1;
    if (to > from) pen.fillRect(from, top, to - from, height);
  };
  while (step !== null && step <= view.to) {
    const x = snap(xOf(step) + shift);
    if (x - to >= close || to < from) {
      put();
      from = x;
    }
    to = Math.max(from + dot, x + snap(size));
    step = dueFrom(due, Math.max(step + 1, Math.ceil(stepAt(x - shift + dot))));
  }
  put();
  pen.globalAlpha = 1;
}

function drawHatch(left, right, top, height) {
  clipped(left, top, right - left, height, () => {
    pen.beginPath();
    for (let x = left - height; x < right; x += 7) {
      pen.moveTo(x, top + height);
      pen.lineTo(x + height, top);
    }
    pen.lineWidth = 1;
    pen.stroke();
  });
}

function drawLane(lane, index) {
  const top = laneTop(index), colour = look.lanes[index % look.lanes.length];
  const bar = place.narrow ? {top: top + 21, height: 16} : {top: top + 6, height: 18};
  if (hovered && hovered.lane === lane) {
    pen.fillStyle = look.hover;
    pen.fillRect(0, top, place.right + 40, place.lane);
  }
  for (const x of place.grid) line(x, top, x, top + place.lane, look.line);
  setFont(13, 550);
  const warned = lane.throws > 0 ? 14 : 0;
  const name = fitted(lane.name, (place.narrow ? place.width : place.left) - 26 - warned);
  const nameY = place.narrow ? top + 11 : top + 15;
  write(name, place.narrow ? place.left : 14, nameY, look.ink);
  if (warned) {
    pen.fillStyle = look.bad;
    pen.beginPath();
    pen.arc((place.narrow ? place.left : 14) + pen.measureText(name).width + 10, nameY, 4, 0, 7);
    pen.fill();
  }
  clipped(place.left, top, place.width, place.lane, () => drawBar(lane, colour, bar));
}

function drawBar(lane, colour, bar) {
  const clamp = (x) => Math.min(place.right + 8, Math.max(place.left - 8, x));
  const after = lane.ends === null ? end : lane.ends + 1;
  const edge = clamp(xOf(after));
  if (lane.starts !== null) {
    const left = clamp(xOf(lane.starts)), width = Math.max(2, edge - left);
    pen.beginPath();
    if (pen.roundRect) pen.roundRect(left, bar.top, width, bar.height, 2);
    else pen.rect(left, bar.top, width, bar.height);
    pen.fillStyle = colour;
    pen.globalAlpha = 0.17;
    pen.fill();
    if (lane.events > 0) {
      pen.globalAlpha = 0.5;
      pen.fillRect(left, bar.top + bar.height / 2 - 1, width, 2);
    }
    pen.globalAlpha = 1;
  } else if (lane.first === null) {
    setFont(12);
    write("never opens", place.left + 8, bar.top + bar.height / 2, look.soft);
  }
  pen.fillStyle = pen.strokeStyle = colour;
  drawUpdates(lane.due, bar.top, bar.height);
  if (!lane.due_complete && lane.known !== null) {
    const left = clamp(xOf(lane.known + 1));
    if (edge > left) drawHatch(left, edge, bar.top, bar.height);
  }
}

function drawHovered() {
  if (!hovered) return;
  const x = xOf(hovered.step + (perStep() > 2 ? 0.5 : 0));
  if (x < place.left || x > place.right) return;
  pen.setLineDash([3, 3]);
  line(x, place.lossHeight ? place.lossTop - 8 : place.axis, x, place.height, look.accent);
  pen.setLineDash([]);
  setFont(11.5, 600);
  const text = whole(hovered.step), width = pen.measureText(text).width + 12;
  const left = Math.min(place.right - width, Math.max(place.left, x - width / 2));
  pen.fillStyle = look.accent;
  pen.fillRect(left, place.axis + 6, width, 18);
  write(text, left + width / 2, place.axis + 15.5, look.panel, "center");
}

function draw() {
  waiting = false;
  pen.setTransform(place.scale, 0, 0, place.scale, 0, 0);
  pen.clearRect(0, 0, place.right + 40, place.height);
  if (place.lossHeight) drawLoss();
  drawAxis();
  const begin = Math.floor(plot.scrollTop / place.lane);
  const shown = Math.ceil((place.height - place.head) / place.lane) + 1;
  clipped(0, place.head, place.right + 40, place.height - place.head, () => {
    lanes.slice(begin, begin + shown).forEach((lane, i) => drawLane(lane, begin + i));
  });
  drawHovered();
  if (selected) {
    pen.fillStyle = look.accent;
    pen.globalAlpha = 0.18;
    pen.fillRect(selected.from, 0, selected.to - selected.from, place.height);
    pen.globalAlpha = 1;
  }
  describeView();
  keepAddress();
}

function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(draw);
}

function describeView() {
  const from = Math.floor(view.from), to = Math.max(from, Math.ceil(view.to) - 1);
  let text = `Steps ${whole(from)} to ${whole(to)}`;
  if (!isWhole()) text += ` of ${whole(total)}`;
  if (perEpoch) text += `, epochs ${decimal(from / perEpoch)} to ${decimal((to + 1) / perEpoch)}`;
  $("view").textContent = text;
  $("whole").disabled = $("out").disabled = isWhole();
  $("in").disabled = view.to - view.from <= least;
}
