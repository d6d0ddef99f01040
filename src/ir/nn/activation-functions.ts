/** Functions that approximate-activations replaces by polynomials. Adding one is one entry. */

export interface ActivationFunction {
  readonly summary: string;
  /** Meaning of each parameter, by name. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly evaluate: (x: number, parameters: Readonly<Record<string, number>>) => number;
  /** Arguments between which the function is monotone; empty where it is monotone everywhere. */
  readonly turningPoints: (parameters: Readonly<Record<string, number>>) => readonly number[];
}

const monotone = (): readonly number[] => [];

export const activationFunctions = {
  leakyRelu: {
    summary: 'x where x ≥ 0, slope · x elsewhere',
    parameters: { slope: 'factor of negative arguments' },
    evaluate: (x, { slope = 0 }) => (x >= 0 ? x : slope * x),
    turningPoints: ({ slope = 0 }) => (slope < 0 ? [0] : []),
  },
  relu: {
    summary: 'max(x, 0)',
    parameters: {},
    evaluate: (x) => Math.max(x, 0),
    turningPoints: monotone,
  },
  sigmoid: {
    summary: '1 / (1 + exp(−x))',
    parameters: {},
    evaluate: (x) => 1 / (1 + Math.exp(-x)),
    turningPoints: monotone,
  },
  tanh: {
    summary: 'hyperbolic tangent',
    parameters: {},
    evaluate: (x) => Math.tanh(x),
    turningPoints: monotone,
  },
} as const satisfies Record<string, ActivationFunction>;

export type ActivationName = keyof typeof activationFunctions;

export const activationNames = Object.keys(activationFunctions) as [
  ActivationName,
  ...ActivationName[],
];

/** The function of a name, seen without its own parameter types. */
export function activationFunction(name: ActivationName): ActivationFunction {
  return activationFunctions[name];
}
