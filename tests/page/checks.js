// SPDX-License-Identifier: BSL-1.0
// Runs at the end of a page of takt-page, and writes what it found into a pre element, "checks".
// In texts a "<" that could end or begin a script is written \x3c.
// `page` says which page it is; `before` and `errors` are from the script at its head.
(async () => {
const lines = [];
let failures = 0;

function check(what, holds, found = "") {
  if (!holds) ++failures;
  lines.push(`${holds ? "ok" : "FAILED"}: ${what}${holds ? "" : ": " + JSON.stringify(found)}`);
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 100));
const chart = document.getElementById("chart"), plot = document.getElementById("plot");
const tip = document.getElementById("tip"), rows = document.getElementById("body").rows;
const view = () => window.taktTimeline.view;
const near = (a, b, slack) => Math.abs(a - b) <= slack;

/// An event at a point of the window, sent to whatever is there, as a mouse would.
function send(Kind, type, x, y, more = {}) {
  const target = document.elementFromPoint(x, y) ?? window;  // dragged out of it
  const event = new Kind(type, {clientX: x, clientY: y, bubbles: true, cancelable: true,
                                pointerId: 1, isPrimary: true, ...more});
  target.dispatchEvent(event);
  return target;
}

const wheel = (x, y, deltaY, more) => send(WheelEvent, "wheel", x, y, {deltaY, ...more});
const move = (x, y) => send(MouseEvent, "mousemove", x, y);
function press(key) {
  chart.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
}

async function drag(fromX, toX, y, more) {
  const held = {buttons: 1, ...more};
  send(PointerEvent, "pointerdown", fromX, y, held);
  for (const x of [(fromX + toX) / 2, toX]) {
    send(PointerEvent, "pointermove", x, y, held);
    send(MouseEvent, "mousemove", x, y, held);
  }
  send(PointerEvent, "pointerup", toX, y, more);
  await pause();
}

/// Two fingers, `from` pixels apart and then `to`, with x in their middle.
async function pinch(x, y, from, to) {
  const both = (type, apart) => {
    send(PointerEvent, type, x - apart / 2, y, {pointerId: 7, pointerType: "touch"});
    send(PointerEvent, type, x + apart / 2, y, {pointerId: 8, pointerType: "touch"});
  };
  both("pointerdown", from);
  both("pointermove", (from + to) / 2);
  both("pointermove", to);
  both("pointerup", to);
  await pause();
}

/// The tip as an object: its heading as `title`, and each fact by its name.
function facts() {
  const result = {title: tip.querySelector("strong")?.textContent};
  for (const name of tip.querySelectorAll("dt")) {
    result[name.textContent] = name.nextElementSibling.textContent;
  }
  return result;
}

/// The step at a point, from what the tip says there.
function stepAt(x, y) {
  move(x, y);
  return Number((facts().step || "NaN").replaceAll(",", ""));
}

/// The colours in a rectangle of the window, as one number.
function paint(x, y, width, height) {
  const box = chart.getBoundingClientRect(), scale = chart.width / box.width;
  const pixels = chart.getContext("2d").getImageData(
    (x - box.left) * scale, (y - box.top) * scale, width * scale, height * scale).data;
  return pixels.reduce((sum, value, i) => (sum * 31 + value + i) % 1000000007, 7);
}

/// The middle of a lane: the lowest one ends 8 pixels above the edge of the whole drawing.
function laneY(index, count, height) {
  const bottom = chart.getBoundingClientRect().top + plot.scrollHeight - 8;
  return bottom - (count - index - 0.5) * height;
}

/// How many pieces of full colour there are in a line of pixels: the updates that are drawn.
function pieces(y) {
  const box = chart.getBoundingClientRect(), scale = chart.width / box.width;
  const pixels = chart.getContext("2d").getImageData(
    (left() - box.left) * scale, (y - box.top) * scale, chart.width, 1).data;
  const colour = (i) => pixels.slice(4 * i, 4 * i + 4).join();
  let count = 1;  // the one that the line begins with
  for (let i = 2; i < pixels.length / 4; ++i) {
    if (colour(i) === colour(1) && colour(i - 1) !== colour(1)) ++count;
  }
  return count;
}

function checkNames() {
  check("no name became markup", !document.querySelector("b") && !window.broken);
  const title = "</title>\x3cscript>window.broken = 1\x3c/script> & more";
  check("the title is the title", document.title === title, document.title);
  check("and the heading", document.querySelector("h1").textContent === title);
  const names = [...rows].map((row) => row.querySelector("th").textContent);
  check("the table has the names",
        names.join("|") === "\x3c/script><b>x|\x3c!--\x3cscript>\u2028 \ufffd|open", names);
}

function checkTable() {
  const cells = (row) => [...row.cells].slice(1).map((cell) => cell.textContent).join("|");
  check("a row has its numbers",
        cells(rows[1]) === "as the test has it|100|340|106|0|100|340|\u2013|3", cells(rows[1]));
  check("time is in words", cells(rows[0]).endsWith("|1.5 ms|0"), cells(rows[0]));
  check("a window that stays open", cells(rows[2]).includes("|stays open|"), cells(rows[2]));
  check("headings have scope", [...document.querySelectorAll("thead th")].every(
    (heading) => heading.scope === "col") && rows[0].cells[0].scope === "row");
  const updates = document.querySelectorAll("thead th")[4];
  const first = () => rows[0].cells[4].textContent;
  updates.querySelector("button").click();
  check("sorts by updates", first() === "1" && updates.ariaSort === "ascending", first());
  updates.querySelector("button").click();
  check("and the other way round", first() === "106", first());
  document.querySelector("thead button").click();
}

async function checkHover(x, lane) {
  await pause();
  const step = stepAt(x, lane[0]);
  check("the tip is shown", !tip.hidden);
  const right = chart.getBoundingClientRect().right - 18;
  check("the step is the one under the mouse",
        near(step, 400 - (right - x) / (right - left()) * 400, 1.5), step);
  // Steps 50 and 51, whose places follow from where the run begins and ends.
  const at = (step) => left() + (right - left()) * (step + 0.5 - view().from) /
                       (view().to - view().from);
  press("0");
  for (let i = 0; i < 4; ++i) wheel(at(50), lane[0], -300);
  await pause();
  move(at(50), lane[0]);
  let found = facts();
  check("the tip names the modifier", found.title === "\x3c/script><b>x", found);
  check("the exact step", found.step === "50", found);
  check("its epoch", found.epoch === "1, step 10 of 40", found);
  check("that it updates here", found.update === "updates at this step", found);
  check("the update before", found.previous === "step 0 (50 before)", found);
  check("the update after", found.next === "step 100 (50 after)", found);
  check("the window", found.window === "0 to 350", found);
  check("the loss", found.loss === "2.6667", found);
  move(at(51), lane[0]);
  found = facts();
  check("the step beside it", found.step === "51" && found.update === "none at this step", found);
  check("the distance from there", found.previous === "step 50 (1 before)", found);
  move(at(51), lane[1]);
  found = facts();
  check("another lane, not open yet", found.title.startsWith("\x3c!--") &&
        found.update === "none: its window is closed" && found.throws === "3", found);
  move(at(50), chart.getBoundingClientRect().top + 60);
  check("above the lanes, who updates", facts().updates === "\x3c/script><b>x", facts());
  send(MouseEvent, "mouseleave", at(50), lane[0]);
  check("the tip goes", tip.hidden);
  press("0");
  await pause();
}

/// Where step 0 of the whole run is: the leftmost point that has a tip of a step.
function left() {
  if (left.found) return left.found;
  press("0");
  const box = chart.getBoundingClientRect();
  let x = box.left;
  const y = box.top + 60;
  do {
    tip.hidden = true;
    move(++x, y);
  } while (tip.hidden && x < box.right);
  return left.found = x;
}

async function checkUpdates(y) {
  send(MouseEvent, "mouseleave", left() + 50, y);
  await pause();
  check("8 updates are drawn", pieces(y - 6) === 8, pieces(y - 6));
  location.hash = "#50-249";
  await pause();
  check("4 of them when zoomed", pieces(y - 6) === 4, pieces(y - 6));
  press("0");
  await pause();
}

async function checkZoom(x, y) {
  check("the whole run at first", view().from === 0 && view().to === 400, view());
  const before = paint(x - 200, y - 15, 400, 30), step = stepAt(x, y);
  wheel(x, y, -400);
  wheel(x, y, -400);
  await pause();
  const span = view().to - view().from;
  check("the wheel zooms in", span < 150 && span > 50, view());
  check("around the mouse", near(stepAt(x, y), step, 2), [step, stepAt(x, y)]);
  check("and draws", paint(x - 200, y - 15, 400, 30) !== before);
  const zoomed = view();
  const target = wheel(x, y, 200);
  check("the wheel zooms out", view().to - view().from > span, view());
  check("over the chart", target === chart);
  wheel(x, y, -200);
  check("and back", near(view().from, zoomed.from, 1e-6), [zoomed, view()]);
}

async function checkPan(x, y) {
  const before = view(), step = stepAt(x, y);
  await drag(x, x - 120, y);
  const by = view().from - before.from;
  check("dragging left goes right", by > 0 && near(view().to - before.to, by, 1e-9), view());
  check("with the step under the mouse", near(stepAt(x - 120, y), step, 1), step);
  await drag(x, x + 2000, y);
  check("not before the beginning", view().from === 0, view());
  send(WheelEvent, "wheel", x, y, {deltaY: 0, deltaX: 50});
  check("a wheel to the side pans", view().from > 0, view());
}

async function checkPinch(x, y) {
  const step = stepAt(x, y), before = view();
  await pinch(x, y, 100, 200);
  check("two fingers zoom in", near((before.to - before.from) / (view().to - view().from), 2, 0.05),
        [before, view()]);
  check("around their middle", near(stepAt(x, y), step, 2), [step, stepAt(x, y)]);
}

async function checkReset(x, y) {
  send(MouseEvent, "dblclick", x, y);
  check("a double click resets", view().from === 0 && view().to === 400, view());
  await drag(x, x + 100, y, {shiftKey: true});
  check("shift and drag selects", view().to - view().from < 60, view());
  document.getElementById("whole").click();
  check("the button resets", view().from === 0 && view().to === 400, view());
  await pause();
  check("the button is off then", document.getElementById("whole").disabled);
  document.getElementById("in").click();
  check("a button zooms in", view().to - view().from === 240, view());
  await pause();
  document.getElementById("out").click();
  check("a button zooms out", view().to - view().from === 400, view());
}

async function checkKeys() {
  press("+");
  check("+ zooms in", near(view().from, 80, 1e-6) && near(view().to, 320, 1e-6), view());
  press("ArrowRight");
  check("right", near(view().from, 116, 1e-6), view());
  press("ArrowLeft");
  check("left", near(view().from, 80, 1e-6), view());
  press("Home");
  check("home", view().from === 0 && near(view().to, 240, 1e-6), view());
  press("End");
  check("end", near(view().from, 160, 1e-6) && view().to === 400, view());
  press("-");
  check("- zooms out", view().to - view().from > 399.9, view());
  press("+");
  press("0");
  check("0 resets", view().from === 0 && view().to === 400, view());
  chart.dispatchEvent(new KeyboardEvent("keydown", {key: "+", ctrlKey: true}));
  check("the browser's own keys are its own", view().to === 400, view());
}

async function checkRows() {
  rows[1].click();
  await pause();
  check("a row zooms to its window", view().from > 85 && view().from < 101 &&
        view().to > 340 && view().to < 356, view());
  await new Promise((resolve) => setTimeout(resolve, 600));
  check("the address has the view", /^#\d+-\d+$/.test(location.hash), location.hash);
  location.hash = "#200-219";
  await pause();
  check("an address leads to its view", view().from === 200 && view().to === 220, view());
  press("0");
  await pause();
}

async function checkHostile() {
  const box = chart.getBoundingClientRect();
  const lanes = [0, 1, 2].map((index) => laneY(index, 3, 30)), x = Math.round(box.left + 600);
  checkNames();
  const label = chart.getAttribute("aria-label");
  check("says what it shows", label.includes("3 modifiers over steps 0 to 399"), label);
  await checkUpdates(lanes[0]);
  await checkZoom(x, lanes[1]);
  await checkPan(x, lanes[0]);
  await checkPinch(x, lanes[0]);
  await checkReset(x, lanes[0]);
  await checkKeys();
  await checkHover(x, lanes);
  await checkRows();
  checkTable();
}

/// Runs of 2^40 steps are drawn at any zoom, 12 times here, by looking at each pixel.
async function checkLong() {
  const steps = 2 ** 40, box = chart.getBoundingClientRect();
  let calls = 0;  // of what each search for an update calls
  const ceil = Math.ceil;
  Math.ceil = (number) => {
    ++calls;
    return ceil(number);
  };
  check("the whole run at first", view().to === steps, view());
  const x = box.left + 700, y = box.top + 100;
  for (let i = 0; i < 200; ++i) {
    wheel(x, y, -300);
    if (i % 20 === 0) await pause();
  }
  await pause();
  check("down to single steps", near(view().to - view().from, 6, 1e-3), view());
  const found = stepAt(x, y);
  check("the exact step", found > 1e11 && found === Math.floor(found), found);
  check("updates there", facts().update === "updates at this step", facts());
  check("and in the next", facts().next === `step ${(found + 1).toLocaleString("en-US")} (1 after)`,
        facts());
  check("no more work than there are pixels", calls < 12 * 40 * 2 * 1200, calls);
  check("there is no loss", !("loss" in facts()));
  check("many lanes scroll", plot.scrollHeight > plot.clientHeight);
  plot.scrollTop = 1e6;
  await pause();
  check("the chart stays in view", chart.getBoundingClientRect().top === box.top);
}

/// In a window as wide as a phone's.
function checkNarrow() {
  check("the window is narrow", innerWidth <= 500, innerWidth);
  check("nothing sticks out", document.documentElement.scrollWidth <= innerWidth);
  const y = laneY(0, 3, 42), x = chart.getBoundingClientRect().left + 200;
  const step = stepAt(x, y);
  check("names its lane", facts().title === "\x3c/script><b>x", facts());
  check("and the step in it", step > 100 && step < 300, step);
  wheel(x, y, -300);
  check("zooms", view().to < 399, view());
}

async function checkExtreme() {
  const box = chart.getBoundingClientRect(), x = box.right - 100;
  wheel(x, box.top + 60, -500);
  check("two steps are not zoomed", view().from === 0 && view().to === 2, view());
  move(x, box.top + 60);
  check("the second step has its loss", facts().step === "1" && facts().loss === "0",
        facts());
  move(x, laneY(0, 2, 30));
  check("a lane that never opens", facts().update === "never opens" && !facts().next, facts());
  move(x, laneY(1, 2, 30));
  check("a lane with updates that are not here", facts().next === "not in this page" &&
        facts().update.startsWith("not in this page"), facts());
  await pause();
  // The band of the losses fills its panel where it begins, at a quarter of the width.
  const quarter = Math.round(left() + (box.right - 18 - left()) / 4) + 10;
  const band = [30, 60, 120, 150].map((y) => paint(quarter, box.top + y, 1, 1));
  const blank = paint(box.left + 5, box.top + 60, 1, 1);
  check("all of the losses are drawn", band.every((colour) => colour !== blank), band);
}

function checkEmpty() {
  const nothing = document.getElementById("nothing");
  check("says so", !nothing.hidden && nothing.textContent.includes("no steps"));
  check("has no chart", plot.hidden);
  check("has a title", document.title === "Timeline", document.title);
}

async function run() {
  try {
    const checks = {hostile: checkHostile, long: checkLong, narrow: checkNarrow,
                    extreme: checkExtreme, empty: checkEmpty};
    await checks[page]();
  } catch (error) {
    check("runs", false, String(error.stack));
  }
  const globals = Object.getOwnPropertyNames(window).filter((name) => !before.has(name));
  check("one global", globals.join() === "taktTimeline", globals);
  check("no errors", errors.length === 0, errors);
  lines.push(failures ? `${failures} checks FAILED` : "all checks passed");
  const report = document.createElement("pre");
  report.id = "checks";
  report.textContent = "\n" + lines.join("\n") + "\n";
  document.body.append(report);
}

if (document.readyState === "complete") await run();
else addEventListener("load", run);
})();
