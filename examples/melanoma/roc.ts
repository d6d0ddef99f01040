/** Curves of sensitivity over false alarms as SVG. */

export interface Curve {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}

const side = 360;
const margin = 48;
const colours = ['#1b6ca8', '#c1502e', '#3f8f4f', '#7a5195'];

/** A square plot, its legend below. */
export function rocPlot(title: string, curves: readonly Curve[]): string {
  const x = (share: number): string => (margin + share * side).toFixed(1);
  const y = (share: number): string => (margin + (1 - share) * side).toFixed(1);
  const height = side + 2 * margin + 20 * curves.length;
  const marks = [0, 0.2, 0.4, 0.6, 0.8, 1].flatMap((share) => [
    `<line x1="${x(share)}" y1="${y(0)}" x2="${x(share)}" y2="${y(1)}" stroke="#ddd"/>`,
    `<line x1="${x(0)}" y1="${y(share)}" x2="${x(1)}" y2="${y(share)}" stroke="#ddd"/>`,
    `<text x="${x(share)}" y="${margin + side + 16}" text-anchor="middle">${share}</text>`,
    `<text x="${margin - 8}" y="${y(share)}" text-anchor="end" dominant-baseline="middle">${share}</text>`,
  ]);
  const lines = curves.flatMap(({ name, points }, n) => {
    const colour = colours[n % colours.length]!;
    const path = points.map(([a, b], k) => `${k === 0 ? 'M' : 'L'}${x(a)} ${y(b)}`).join('');
    const at = side + 2 * margin + 20 * n;
    return [
      `<path d="${path}" fill="none" stroke="${colour}" stroke-width="1.5"/>`,
      `<line x1="${margin}" y1="${at}" x2="${margin + 24}" y2="${at}" stroke="${colour}" stroke-width="3"/>`,
      `<text x="${margin + 32}" y="${at}" dominant-baseline="middle">${escaped(name)}</text>`,
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${side + 2 * margin}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    `<text x="${margin + side / 2}" y="20" text-anchor="middle" font-size="14">${escaped(title)}</text>`,
    ...marks,
    `<line x1="${x(0)}" y1="${y(0)}" x2="${x(1)}" y2="${y(1)}" stroke="#999" stroke-dasharray="4"/>`,
    ...lines,
    `<text x="${margin + side / 2}" y="${margin + side + 34}" text-anchor="middle">other images called melanoma</text>`,
    `<text transform="translate(14 ${margin + side / 2}) rotate(-90)" text-anchor="middle">melanomas found</text>`,
    '</svg>',
    '',
  ].join('\n');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
