import type { ActivationSketch } from '../../passes/define-pass.ts';
import { html, type Markup } from './html.ts';

const size = { width: 320, height: 190 };
const plot = { left: 38, right: 312, top: 8, bottom: 166 };

/** Both curves over the range, above the density of what was seen. */
export function activationChart(
  { density, exact, polynomial }: ActivationSketch,
  [lo, hi]: readonly [number, number],
  label: string,
): Markup {
  const values = [...exact, ...polynomial, 0];
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const room = 0.06 * Math.max(most - least, Number.MIN_VALUE);
  const [bottom, top] = [least - room, most + room];
  const x = (value: number): number =>
    plot.left + ((value - lo) / (hi - lo)) * (plot.right - plot.left);
  const y = (value: number): number =>
    plot.bottom - ((value - bottom) / (top - bottom)) * (plot.bottom - plot.top);
  const line = (points: readonly number[]): string =>
    points
      .map(
        (value, n) =>
          `${n === 0 ? 'M' : 'L'}${px(x(placeOf(n, points.length, lo, hi)))} ${px(y(value))}`,
      )
      .join('');
  return html`<svg viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${label}">
    <path class="density" d="${densityPath(density)}" />
    ${ticksOf(bottom, top, 4).map(
      (value) =>
        html`<path class="axis" d="M${plot.left} ${px(y(value))}H${plot.right}" /><text
            class="faint"
            x="${plot.left - 6}"
            y="${px(y(value) + 4)}"
            font-size="11"
            text-anchor="end"
            >${tickText(value)}</text
          > `,
    )}${ticksOf(lo, hi, 4).map(
      (value) =>
        html`<path class="axis" d="M${px(x(value))} ${plot.bottom}v4" /><text
            class="faint"
            x="${px(x(value))}"
            y="${plot.bottom + 17}"
            font-size="11"
            text-anchor="middle"
            >${tickText(value)}</text
          > `,
    )}
    <path class="exact" d="${line(exact)}" />
    <path class="polynomial" d="${line(polynomial)}" />
  </svg> `;
}

/** The density as steps; its height goes with the square root, so that rare arguments show. */
function densityPath(density: readonly number[]): string {
  const most = Math.max(Number.MIN_VALUE, ...density);
  const step = (plot.right - plot.left) / Math.max(1, density.length);
  const height = plot.bottom - plot.top;
  const steps = density.map(
    (share) => `V${px(plot.bottom - 0.92 * height * Math.sqrt(share / most))}h${px(step)}`,
  );
  return `M${plot.left} ${plot.bottom}${steps.join('')}V${plot.bottom}z`;
}

function placeOf(n: number, count: number, lo: number, hi: number): number {
  return lo + ((n + 0.5) * (hi - lo)) / count;
}

/** Round numbers between two ends: some `wanted` of them. */
export function ticksOf(lo: number, hi: number, wanted: number): number[] {
  const rough = (hi - lo) / wanted;
  if (!(rough > 0) || !Number.isFinite(rough)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(lo / step);
  const count = Math.floor(hi / step) - first + 1;
  return Array.from(
    { length: Math.max(0, Math.min(count, 2 * wanted + 2)) },
    (_, n) => (first + n) * step,
  );
}

function tickText(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function px(value: number): string {
  return String(Number(value.toFixed(1)));
}
