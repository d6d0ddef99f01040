/** The style sheet of the page. Colours: contrast of 4.5 or more for every text, in both schemes. */
export const style = `
:root {
  color-scheme: light dark;
  --page: #fbfaf8; --card: #ffffff; --text: #1d2127; --muted: #565d66; --line: #d9d6d0;
  --track: #eceae5; --accent: #1f5fa8; --warm: #a64b00; --violet: #6a3fa0; --grey: #767b82;
  --good: #1b6b3a; --bad: #b3261e; --note: #fdf3dc; --noteline: #b27b00; --density: #1f5fa830;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171c; --card: #1c2027; --text: #e6e8ea; --muted: #a9b1ba; --line: #363c45;
    --track: #2c323b; --accent: #7db4f0; --warm: #f0a35e; --violet: #bd9cf0; --grey: #9aa1aa;
    --good: #7fd6a0; --bad: #ff9a90; --note: #2b2718; --noteline: #d9a520; --density: #7db4f038;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  overflow-wrap: anywhere;
}
header, main, footer { max-width: 62rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 2.2rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .35rem; }
h2 { font-size: 1.3rem; line-height: 1.25; margin: 0 0 .4rem; }
h3 { font-size: 1rem; line-height: 1.3; margin: 0; }
p { margin: .4rem 0 .8rem; max-width: 44rem; }
a { color: var(--accent); }
code, .code {
  font: .88em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
}
pre {
  margin: .4rem 0 .8rem; padding: .6rem .8rem; white-space: pre-wrap; overflow-wrap: anywhere;
  background: var(--track); border-radius: 6px; font: .84rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
}
.over { color: var(--muted); margin: 0 0 .2rem; font-size: .92rem; }
.lead { font-size: 1.12rem; margin: .3rem 0 1rem; }
.muted { color: var(--muted); }
.small { font-size: .9rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; list-style: none; padding: 0; margin: 1.2rem 0 0; font-size: .95rem; }
section { margin: 2.2rem 0 0; padding: 1.6rem 0 0; border-top: 1px solid var(--line); }
.banner { border-left: 5px solid var(--good); background: var(--card); padding: .9rem 1.1rem; border-radius: 0 8px 8px 0; }
.banner.attention { border-color: var(--noteline); }
.banner.bad { border-color: var(--bad); }
.banner p { margin: 0; }
.banner p + p { margin-top: .5rem; }
.banner strong.state { color: var(--good); }
.banner.attention strong.state { color: var(--text); }
.banner.bad strong.state { color: var(--bad); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 17.5rem), 1fr)); gap: .9rem; margin: 1.1rem 0 0; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .85rem 1rem; }
.tile h3 { color: var(--muted); font-weight: 600; font-size: .92rem; }
.tile .figure { font-size: 1.55rem; line-height: 1.25; font-weight: 650; margin: .1rem 0; }
.tile p { margin: .15rem 0; font-size: .9rem; }
.tile dl { margin: .3rem 0; display: grid; grid-template-columns: 1fr auto; gap: .1rem .8rem; }
.tile dt { font-size: .95rem; }
.tile dd { margin: 0; text-align: right; font-weight: 600; font-variant-numeric: tabular-nums; }
.note { background: var(--note); border-left: 4px solid var(--noteline); padding: .6rem .9rem; border-radius: 0 6px 6px 0; margin: .8rem 0; }
.note p, .note ul { margin: 0; }
.note ul { padding-left: 1.1rem; }
table { border-collapse: collapse; width: 100%; font-size: .93rem; margin: .6rem 0 .4rem; }
caption { text-align: left; color: var(--muted); font-size: .9rem; padding: 0 0 .3rem; }
th, td { text-align: left; vertical-align: top; padding: .42rem .7rem .42rem 0; border-bottom: 1px solid var(--line); }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--muted); font-weight: 600; font-size: .86rem; }
tbody th { font-weight: 550; width: 30%; }
td { font-variant-numeric: tabular-nums; }
td .sub, th .sub, .sub { display: block; color: var(--muted); font-size: .86rem; font-weight: 400; }
.facts { display: grid; grid-template-columns: minmax(8.5rem, 14rem) 1fr; gap: .35rem 1rem; margin: .6rem 0; }
.facts dt { color: var(--muted); }
.facts dd { margin: 0; font-variant-numeric: tabular-nums; }
svg { display: block; }
svg text { fill: var(--text); font-family: system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
svg .faint { fill: var(--muted); }
.bar { margin: .35rem 0 .15rem; border-radius: 3px; }
.track { fill: var(--track); }
.fill { fill: var(--accent); }
.fill2 { fill: var(--warm); }
.split { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.4rem; margin-top: .8rem; }
@media (min-width: 52rem) { .split { grid-template-columns: 312px minmax(0, 1fr); gap: 2.4rem; } }
.box { fill: var(--card); stroke: var(--line); }
.edge { fill: none; stroke: var(--grey); stroke-width: 1.5; }
.tip { fill: var(--grey); }
.k-linear { fill: var(--accent); } .k-polynomial, .k-product { fill: var(--warm); }
.k-sum { fill: var(--violet); } .k-input, .k-output { fill: var(--grey); }
.left { fill: var(--accent); } .gone { fill: var(--track); } .spent { fill: var(--warm); }
.legend { list-style: none; padding: 0; margin: .5rem 0; font-size: .93rem; }
.legend li { display: flex; gap: .6rem; align-items: baseline; margin: .25rem 0; }
.legend svg { flex: none; }
.curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); gap: 1.1rem; margin-top: 1rem; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .9rem 1rem; break-inside: avoid; min-width: 0; }
figure > svg { width: 100%; height: auto; }
figcaption { font-size: .92rem; margin-bottom: .5rem; }
.axis { stroke: var(--line); stroke-width: 1; }
.density { fill: var(--density); }
.exact { fill: none; stroke: var(--text); stroke-width: 1.6; stroke-dasharray: 5 4; }
.polynomial { fill: none; stroke: var(--warm); stroke-width: 2.2; }
.slots { background: var(--track); }
.swatches { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; }
ul.plain { padding-left: 1.1rem; max-width: 46rem; }
ul.plain li { margin: .4rem 0; }
footer { color: var(--muted); font-size: .88rem; padding-top: 1.6rem; padding-bottom: 2.5rem; }
.met { color: var(--good); font-weight: 600; } .missed { color: var(--bad); font-weight: 600; }
@media (max-width: 30rem) {
  .facts { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .facts dd { margin-bottom: .5rem; }
  table { font-size: .85rem; }
  th, td { padding-right: .5rem; }
}
@media print {
  :root {
    color-scheme: light; --page: #fff; --card: #fff; --text: #000; --muted: #444; --line: #bbb;
    --track: #e6e6e6; --accent: #1f5fa8; --warm: #a64b00; --violet: #6a3fa0; --grey: #666;
    --good: #1b6b3a; --bad: #b3261e; --note: #fff; --noteline: #888; --density: #1f5fa830;
  }
  body { font-size: 11pt; }
  nav { display: none; }
  tr, .tile, figure, .banner { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  svg, .bar { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
`;
