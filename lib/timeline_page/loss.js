// SPDX-License-Identifier: BSL-1.0
// ---- The losses: [first, last, low, high, mean, ...]. In level k, those that begin in the same
// 2^k steps are one, so that what is drawn is as much as the pixels can show.

const levels = [data.losses];

function merged(spans, bucket) {
  const result = [];
  for (let i = 0; i < spans.length; i += 5) {
    const at = result.length - 5;
    if (at < 0 || Math.floor(result[at] / bucket) !== Math.floor(spans[i] / bucket)) {
      for (let k = 0; k < 5; ++k) result.push(spans[i + k]);
      continue;
    }
    const had = result[at + 1] - result[at] + 1, more = spans[i + 1] - spans[i] + 1;
    result[at + 1] = spans[i + 1];
    result[at + 2] = Math.min(result[at + 2], spans[i + 2]);
    result[at + 3] = Math.max(result[at + 3], spans[i + 3]);
    result[at + 4] = had / (had + more) * result[at + 4] + more / (had + more) * spans[i + 4];
  }
  return result.length === spans.length ? spans : result;
}

function lossLevel(number) {
  while (levels.length <= number) {
    levels.push(merged(levels[levels.length - 1], 2 ** levels.length));
  }
  return levels[number];
}

function spanAt(spans, step) {  // the last that begins at or before the step, or -5
  let low = 0, high = spans.length / 5;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[5 * middle] <= step) low = middle + 1; else high = middle;
  }
  return 5 * (low - 1);
}

function lossWords(step) {
  const at = spanAt(data.losses, step);
  if (at < 0 || data.losses[at + 1] < step) return null;
  const [from, to, low, high, mean] = data.losses.slice(at, at + 5);
  if (from === to) return short(mean);
  return `${short(mean)}, mean of steps ${whole(from)} to ${whole(to)}` +
    ` (${short(low)} to ${short(high)})`;
}

function visibleLosses() {
  const level = Math.ceil(Math.log2(Math.max(1, 3 / perStep())));
  const spans = lossLevel(level);
  let at = Math.max(0, spanAt(spans, view.from) - 5), to = spanAt(spans, view.to) + 5;
  to = Math.min(spans.length, to + 5);
  const points = [];
  let low = Infinity, high = -Infinity;
  for (; at < to; at += 5) {
    points.push({x: xOf((spans[at] + spans[at + 1] + 1) / 2), low: spans[at + 2],
                 high: spans[at + 3], mean: spans[at + 4]});
    if (spans[at + 1] < view.from || spans[at] > view.to) continue;
    low = Math.min(low, spans[at + 2]);
    high = Math.max(high, spans[at + 3]);
  }
  return {points, low, high};
}

function drawLoss() {
  const {points, low, high} = visibleLosses();
  setFont(11.5);
  if (!place.narrow) write("loss", 14, place.lossTop, look.soft);
  if (low > high) return;
  const room = Math.min((high - low) * 0.06 || Math.abs(high) * 0.05 || 1, 1e307);
  const limit = Number.MAX_VALUE, top = Math.min(high + room, limit);
  const bottom = Math.max(low - room, -limit), y1 = place.lossTop + place.lossHeight;
  // In halves: the difference of two losses may be more than a number can be.
  const yOf = (loss) =>
    y1 - (loss / 2 - bottom / 2) / (top / 2 - bottom / 2) * place.lossHeight;
  const gap = nice((top / 2 - bottom / 2) / 2);
  const digits = Math.max(0, -Math.floor(Math.log10(gap) + 1e-9));
  const exponent = Math.max(Math.abs(top), Math.abs(bottom)) >= 1e6 || digits > 6;
  const marks = [];
  for (let i = Math.ceil(bottom / gap) + 0, n = 0; n < 6 && i * gap <= top; ++i, ++n) {
    const y = yOf(i * gap);
    const text = exponent ? (i * gap).toExponential(1) : (i * gap).toFixed(Math.min(digits, 20));
    line(place.left, y, place.right, y, look.line);
    marks.push([text, y]);
  }
  clipped(place.left, place.lossTop - 8, place.width, place.lossHeight + 12, () => {
    pen.beginPath();
    points.forEach((point) => pen.lineTo(point.x, yOf(point.high)));
    points.slice().reverse().forEach((point) => pen.lineTo(point.x, yOf(point.low)));
    pen.closePath();
    pen.globalAlpha = 0.22;
    pen.fillStyle = look.loss;
    pen.fill();
    pen.globalAlpha = 1;
    pen.beginPath();
    points.forEach((point) => pen.lineTo(point.x, yOf(point.mean)));
    pen.strokeStyle = look.loss;
    pen.lineWidth = 1.7;
    pen.lineJoin = "round";
    pen.stroke();
    if (points.length > place.width / 10) return;
    pen.fillStyle = look.loss;
    for (const point of points) {
      pen.beginPath();
      pen.arc(point.x, yOf(point.mean), 3, 0, 7);
      pen.fill();
    }
  });
  setFont(11.5);
  for (const [text, y] of marks) {
    if (!place.narrow) write(text, place.left - 10, y, look.soft, "right");
    else writeOver(text, place.left + 2, y - 7, look.soft);
  }
  if (place.narrow) write("loss", place.right, place.lossTop - 8, look.soft, "right");
}
