// SPDX-License-Identifier: BSL-1.0
const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const {first_step: first, end_step: end, steps_per_epoch: perEpoch, lanes} = data;
const total = Math.max(0, end - first);
const plot = $("plot"), chart = $("chart"), tip = $("tip"), pen = chart.getContext("2d");

// ---- Words

const whole = (number) => number.toLocaleString("en-US");
const counted = (number, noun) => `${whole(number)} ${noun}${number === 1 ? "" : "s"}`;
const short = (number, digits = 5) => String(Number(number.toPrecision(digits)));
const decimal = (number) => number.toLocaleString("en-US", {maximumFractionDigits: 2});
const listed = (step) => step === null ? "\u2013" : whole(step);

function epochWords(step) {
  const within = `step ${whole(step % perEpoch)} of ${whole(perEpoch)}`;
  return `${whole(Math.floor(step / perEpoch))}, ${within}`;
}

function timeWords(nanoseconds) {
  const units = [[1e9, "s"], [1e6, "ms"], [1e3, "\u00b5s"], [1, "ns"]];
  const [size, unit] = units.find(([size]) => nanoseconds >= size) || units[3];
  return `${Number((nanoseconds / size).toPrecision(3)).toLocaleString("en-US")} ${unit}`;
}

function windowWords(lane) {
  if (lane.starts === null) return "never opens";
  if (lane.ends === null) return `from ${whole(lane.starts)}, stays open`;
  return `${whole(lane.starts)} to ${whole(lane.ends)}`;
}

// ---- The updates of a lane: [first, count, stride, first, count, stride, ...], which ascend.
// Whatever their number, one is found in a few steps.

function runAt(due, step) {  // the last run that begins at or before the step, or -3
  let low = 0, high = due.length / 3;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (due[3 * middle] <= step) low = middle + 1; else high = middle;
  }
  return 3 * (low - 1);
}

function dueFrom(due, step) {
  const run = runAt(due, step);
  if (run >= 0) {
    const steps = Math.ceil((step - due[run]) / due[run + 2]);
    if (steps < due[run + 1]) return due[run] + steps * due[run + 2];
  }
  return run + 3 < due.length ? due[run + 3] : null;
}

function dueUpTo(due, step) {
  const run = runAt(due, step);
  if (run < 0) return null;
  const steps = Math.min(due[run + 1] - 1, Math.floor((step - due[run]) / due[run + 2]));
  return due[run] + steps * due[run + 2];
}

for (const lane of lanes) {
  lane.first = dueFrom(lane.due, -Infinity);
  lane.known = dueUpTo(lane.due, Infinity);
  lane.last = lane.due_complete ? lane.known : null;
}
