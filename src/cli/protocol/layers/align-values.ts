/**
 * Brings values of a plan to those of its model.
 *
 * The compiler moves factors and offsets of polynomials into neighbouring layers, per channel too, so
 * a value between layers is that of the model only up to an affine function of each channel. The
 * simplest one that explains the values is taken: none, one factor, one function a channel.
 */

/** Images by elements. */
export type LayerImages = readonly ArrayLike<number>[];

export interface Alignment {
  readonly kind: 'equal' | 'scaled' | 'by channel';
  /** The plan's value of an element, in the model's units. */
  apply(value: number, element: number): number;
  /** Units of the plan in one of the model's, in the mean over channels. */
  readonly factor: number;
}

/** A richer function must be this much better: it always is somewhat. */
const worthwhile = 0.5;
/** Samples of a channel below which two numbers say nothing about it. */
const fewestSamples = 16;

interface Fit extends Alignment {
  /** Root mean square of what is left, corrected for the numbers fitted. */
  readonly residual: number;
}

/**
 * Find how a plan's values stand to the model's, or null where they do not correspond.
 *
 * Shapes: both [images][elements]. `channels` of equal size follow each other in an image.
 */
export function alignValues(
  plan: LayerImages,
  model: LayerImages,
  channels: number,
): Alignment | null {
  const elements = model[0]?.length ?? 0;
  if (elements === 0 || plan[0]?.length !== elements || plan.length !== model.length) return null;
  const fits: Fit[] = [fitEqual(plan, model), fitScale(plan, model)];
  const samples = (elements / channels) * plan.length;
  if (Number.isInteger(elements / channels) && samples >= fewestSamples) {
    fits.push(fitChannels(plan, model, channels));
  }
  return fits.reduce((best, fit) => (fit.residual < worthwhile * best.residual ? fit : best));
}

function fitEqual(plan: LayerImages, model: LayerImages): Fit {
  const apply = (value: number): number => value;
  return { kind: 'equal', factor: 1, apply, residual: residualOf(plan, model, apply, 0) };
}

function fitScale(plan: LayerImages, model: LayerImages): Fit {
  let [xy, xx] = [0, 0];
  for (const [k, image] of plan.entries()) {
    for (let e = 0; e < image.length; e++) {
      xy += image[e]! * model[k]![e]!;
      xx += image[e]! ** 2;
    }
  }
  const slope = xx > 0 ? xy / xx : 1;
  const apply = (value: number): number => slope * value;
  return { kind: 'scaled', factor: slope, apply, residual: residualOf(plan, model, apply, 1) };
}

/** Least squares of slope and offset for each channel. */
function fitChannels(plan: LayerImages, model: LayerImages, channels: number): Fit {
  const elements = model[0]!.length;
  const each = elements / channels;
  const sums = Array.from({ length: channels }, () => ({ x: 0, y: 0, xx: 0, xy: 0 }));
  for (const [k, image] of plan.entries()) {
    for (let e = 0; e < elements; e++) {
      const sum = sums[Math.floor(e / each)]!;
      const [x, y] = [image[e]!, model[k]![e]!];
      sum.x += x;
      sum.y += y;
      sum.xx += x * x;
      sum.xy += x * y;
    }
  }
  const count = each * plan.length;
  const lines = sums.map(({ x, y, xx, xy }) => {
    const spread = xx - (x * x) / count;
    // Values that are all the same have an offset only.
    const slope = spread > 1e-12 * xx ? (xy - (x * y) / count) / spread : 0;
    return { slope, offset: (y - slope * x) / count };
  });
  const apply = (value: number, element: number): number => {
    const { slope, offset } = lines[Math.floor(element / each)]!;
    return slope * value + offset;
  };
  const factor = lines.reduce((sum, { slope }) => sum + Math.abs(slope), 0) / channels;
  const residual = residualOf(plan, model, apply, 2 * channels);
  return { kind: 'by channel', factor, apply, residual };
}

function residualOf(
  plan: LayerImages,
  model: LayerImages,
  apply: (value: number, element: number) => number,
  fitted: number,
): number {
  let squares = 0;
  let count = 0;
  for (const [k, image] of plan.entries()) {
    for (let e = 0; e < image.length; e++) squares += (apply(image[e]!, e) - model[k]![e]!) ** 2;
    count += image.length;
  }
  return Math.sqrt(squares / Math.max(1, count - fitted));
}
