// The run's charts, in the page's own colours. Expressions are interpreted, since the page's policy forbids to compile.
"use strict";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function config() {
  const ink = colour("ink"), quiet = colour("quiet"), line = colour("line");
  return {
    background: "transparent",
    font: getComputedStyle(document.body).fontFamily,
    view: { stroke: null },
    axis: { labelColor: quiet, titleColor: quiet, gridColor: line, domainColor: line, tickColor: line, labelFontSize: 12 },
    legend: { labelColor: quiet, titleColor: quiet, labelFontSize: 12, orient: "top", symbolType: "square" },
    text: { color: ink, fill: ink },
    rule: { color: quiet },
    line: { color: colour("accent") },
    point: { color: colour("accent"), fill: colour("accent") },
    bar: { color: colour("accent") },
    rect: { color: colour("accent") },
    range: { category: ["accent", "c6", "c5", "c7", "undecided"].map(colour) },
  };
}

// Verdicts and outcomes have their own colours wherever they stand.
const DOMAINS = {
  CORRECT: "correct", WRONG: "wrong", UNDECIDED: "undecided",
  stayed_correct: "correct", gained: "accent", lost: "undecided", stayed_wrong: "line-strong",
};

function coloured(spec) {
  const scale = spec.encoding?.color?.scale;
  if (scale?.domain) scale.range = scale.domain.map((name) => colour(DOMAINS[name]));
  return spec;
}

// As many lines as there are names beside a chart of bars; otherwise a fixed height.
function heightOf(spec) {
  const y = spec.encoding?.y;
  if (y?.type !== "nominal" || !spec.mark) return 240;
  return 70 + 30 * new Set(spec.data.values.map((row) => row[y.field])).size;
}

let loaded;

async function drawAll() {
  loaded ??= await (await fetch("/charts.json")).json();
  for (const figure of document.querySelectorAll("[data-chart]")) {
    const spec = coloured(structuredClone(loaded[figure.dataset.chart]));
    spec.width = "container";
    spec.height ??= heightOf(spec);
    await vegaEmbed(figure.querySelector(".canvas"), spec, {
      actions: false, ast: true, renderer: "svg", config: config(), defaultStyle: false,
      tooltip: { disableDefaultStyle: true },
    });
  }
}

drawAll();
document.addEventListener("mathse:theme", drawAll);
