/**
 * Reads `client.json`: every field by hand, since schema libraries evaluate code at run time, which
 * a strict Content-Security-Policy forbids.
 */
import { CipherloomError } from '../errors.ts';
import type {
  ClientInput,
  InputForm,
  ClientOutput,
  ClientPlan,
  ClientTensor,
  CryptoParameters,
  PostprocessStep,
  RotationKeyRequest,
} from '../layout/client-plan.ts';
import { batchSize, checkLayout, type Digit, type Layout } from '../layout/layout.ts';
import { postprocessFault, postprocessOps } from '../layout/postprocess.ts';

const format = 1;
const maxJsonCharacters = 2 ** 26;
const maxTensors = 64;
const maxName = 512;
const maxKeys = 65536;
const securityTargets = [128, 192, 256] as const;

function refuse(path: string, expected: string, got: unknown): never {
  const shown = typeof got === 'string' ? JSON.stringify(got.slice(0, 40)) : describe(got);
  throw new CipherloomError(
    'PLAN_INVALID',
    `client.json: ${path} must be ${expected}, got ${shown}`,
    {
      phase: 'client',
      node: path,
      details: { path, expected, got: shown },
      hint: 'use the client.json that compile wrote',
    },
  );
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'an object';
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : typeof value;
}

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown, path: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    refuse(path, 'an object', value);
  }
  return value as Fields;
}

function list(value: unknown, path: string, max: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > max) refuse(path, `a list of at most ${max}`, value);
  // A list with holes skips them in map; here they become undefined, which nothing accepts.
  return Array.from<unknown>(value);
}

function text(value: unknown, path: string, max = maxName): string {
  if (typeof value !== 'string' || value.length > max) {
    refuse(path, `a string of at most ${max} characters`, value);
  }
  return value;
}

function integer(value: unknown, path: string, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    refuse(path, `an integer from ${min} to ${max}`, value);
  }
  return value;
}

function finite(value: unknown, path: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) refuse(path, 'a finite number', value);
  return value;
}

function bool(value: unknown, path: string): boolean {
  if (typeof value !== 'boolean') refuse(path, 'true or false', value);
  return value;
}

function oneOf<const T extends readonly unknown[]>(
  value: unknown,
  path: string,
  allowed: T,
): T[number] {
  if (!allowed.includes(value)) refuse(path, `one of ${allowed.join(', ')}`, value);
  return value;
}

function integers(value: unknown, path: string, max: number, low: number): number[] {
  return list(value, path, max).map((item, i) =>
    integer(item, `${path}[${i}]`, low, Number.MAX_SAFE_INTEGER),
  );
}

/**
 * Read and check a client plan.
 *
 * Takes the file's text, or the parsed value. Throws PLAN_INVALID naming the field.
 */
export function readClientPlan(json: unknown): ClientPlan {
  const root = fields(typeof json === 'string' ? parse(json) : json, 'the file');
  if (root.format !== format) {
    throw new CipherloomError(
      'PLAN_INVALID',
      `client.json: format is ${describe(root.format)}, this build reads ${format}`,
      {
        phase: 'client',
        node: 'format',
        details: { got: describe(root.format), expected: format },
        hint: 'compile the model with the release that the client uses',
      },
    );
  }
  const planHash = text(root.planHash, 'planHash');
  if (!/^[0-9a-f]{64}$/.test(planHash)) refuse('planHash', '64 lower-case hex digits', planHash);
  const parameters = readParameters(root.parameters);
  const batch = integer(root.batch, 'batch', 1, 2 ** 24);
  const inputs = list(root.inputs, 'inputs', maxTensors).map((item, i) =>
    readInput(item, `inputs[${i}]`, parameters, batch),
  );
  const publicInputs =
    root.publicInputs === undefined
      ? null
      : list(root.publicInputs, 'publicInputs', maxTensors).map((item, i) =>
          readPublicInput(item, `publicInputs[${i}]`),
        );
  const outputs = list(root.outputs, 'outputs', maxTensors).map((item, i) =>
    readOutput(item, `outputs[${i}]`, parameters, batch),
  );
  for (const [path, tensors] of [
    ['inputs', [...inputs, ...(publicInputs ?? [])]],
    ['outputs', outputs],
  ] as const) {
    if (tensors.length === 0) refuse(path, 'a list of at least 1', []);
    if (new Set(tensors.map(({ name }) => name)).size !== tensors.length) {
      refuse(path, 'tensors of different names', tensors);
    }
  }
  return {
    format,
    producer: text(root.producer, 'producer'),
    name: text(root.name, 'name'),
    planHash,
    parameters,
    batch,
    inputs,
    ...(publicInputs === null ? {} : { publicInputs }),
    outputs,
    keys: readKeys(root.keys, parameters),
    precisionBits: finite(root.precisionBits, 'precisionBits'),
  };
}

function parse(json: string): unknown {
  if (json.length > maxJsonCharacters) {
    refuse('the file', `at most ${maxJsonCharacters} characters`, json.length);
  }
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new CipherloomError('PLAN_INVALID', 'client.json: it is not JSON', {
      phase: 'client',
      hint: 'use the client.json that compile wrote',
      cause,
    });
  }
}

function readParameters(value: unknown): CryptoParameters {
  const from = fields(value, 'parameters');
  const primes = (path: string, min: number, max: number): string[] => {
    const items = list(from[path], `parameters.${path}`, max);
    if (items.length < min) refuse(`parameters.${path}`, `a list of at least ${min}`, items);
    return items.map((item, i) => {
      const prime = text(item, `parameters.${path}[${i}]`, 20);
      if (!/^[1-9][0-9]*$/.test(prime)) {
        refuse(`parameters.${path}[${i}]`, 'a decimal number', prime);
      }
      return prime;
    });
  };
  return {
    ringDegree: integer(from.ringDegree, 'parameters.ringDegree', 2 ** 10, 2 ** 17),
    primes: primes('primes', 1, 128),
    specialPrimes: primes('specialPrimes', 1, 32),
    securityTarget: oneOf(from.securityTarget, 'parameters.securityTarget', securityTargets),
    insecure: bool(from.insecure, 'parameters.insecure'),
  };
}

function readLayout(value: unknown, path: string): Layout {
  const from = fields(value, path);
  const digits = list(from.digits, `${path}.digits`, 64).map((item, i): Digit => {
    const at = `${path}.digits[${i}]`;
    const digit = fields(item, at);
    const of = digit.of;
    return {
      of:
        typeof of === 'number'
          ? integer(of, `${at}.of`, 0, 15)
          : oneOf(of, `${at}.of`, ['batch', 'copy']),
      size: integer(digit.size, `${at}.size`, 1, 2 ** 31 - 1),
      step: integer(digit.step, `${at}.step`, 0, 2 ** 31 - 1),
      place: oneOf(digit.place, `${at}.place`, ['slot', 'ciphertext']),
      stride: integer(digit.stride, `${at}.stride`, 0, 2 ** 31 - 1),
    };
  });
  const unused = fields(from.unused, `${path}.unused`);
  const kind = oneOf(unused.kind, `${path}.unused.kind`, ['zero', 'unknown']);
  const layout: Layout = {
    shape: integers(from.shape, `${path}.shape`, 16, 1),
    slots: integer(from.slots, `${path}.slots`, 1, 65536),
    ciphertexts: integer(from.ciphertexts, `${path}.ciphertexts`, 1, 2 ** 20),
    origin: integers(from.origin, `${path}.origin`, 16, -(2 ** 31)),
    digits,
    unused:
      kind === 'zero' ? { kind } : { kind, bound: finite(unused.bound, `${path}.unused.bound`) },
  };
  try {
    checkLayout(layout, `client.json: ${path}`);
  } catch (error) {
    if (!(error instanceof CipherloomError)) throw error;
    throw new CipherloomError('PLAN_INVALID', error.message, {
      phase: 'client',
      node: path,
      details: error.details,
      hint: 'use the client.json that compile wrote',
      cause: error,
    });
  }
  return layout;
}

function readTensor(
  from: Fields,
  path: string,
  parameters: CryptoParameters,
  batch: number,
): ClientTensor {
  const layout = readLayout(from.layout, `${path}.layout`);
  const shape = integers(from.shape, `${path}.shape`, 16, 1);
  if (shape.join() !== layout.shape.join())
    refuse(`${path}.shape`, 'the shape of the layout', shape);
  if (layout.slots !== parameters.ringDegree / 2) {
    refuse(
      `${path}.layout.slots`,
      `${parameters.ringDegree / 2}, half the ring degree`,
      layout.slots,
    );
  }
  if (batchSize(layout) !== batch) {
    refuse(`${path}.layout`, `a layout of ${batch} images`, batchSize(layout));
  }
  const scale = finite(from.scale, `${path}.scale`);
  if (scale < 1) refuse(`${path}.scale`, 'at least 1', scale);
  const name = text(from.name, `${path}.name`);
  if (name === '') refuse(`${path}.name`, 'a name', name);
  return {
    name,
    shape,
    layout,
    level: integer(from.level, `${path}.level`, 0, parameters.primes.length - 1),
    scale,
  };
}

function readRange(from: Fields, path: string): readonly [number, number] {
  const ends = list(from.range, `${path}.range`, 2);
  const low = finite(ends[0], `${path}.range[0]`);
  const high = finite(ends[1], `${path}.range[1]`);
  if (low > high) refuse(`${path}.range`, 'in ascending order', ends);
  return [low, high];
}

function readInput(
  value: unknown,
  path: string,
  parameters: CryptoParameters,
  batch: number,
): ClientInput {
  const from = fields(value, path);
  return { ...readTensor(from, path, parameters, batch), range: readRange(from, path) };
}

function readPublicInput(value: unknown, path: string): InputForm {
  const from = fields(value, path);
  const name = text(from.name, `${path}.name`);
  const shape = integers(from.shape, `${path}.shape`, 16, 1);
  return { name, shape, range: readRange(from, path) };
}

function readOutput(
  value: unknown,
  path: string,
  parameters: CryptoParameters,
  batch: number,
): ClientOutput {
  const from = fields(value, path);
  const tensor = readTensor(from, path, parameters, batch);
  const bound = finite(from.bound, `${path}.bound`);
  if (bound < 0) refuse(`${path}.bound`, 'at least 0', bound);
  const postprocess = list(from.postprocess, `${path}.postprocess`, 4).map(
    (item, i): PostprocessStep => {
      const at = `${path}.postprocess[${i}]`;
      const step = fields(item, at);
      return {
        op: oneOf(step.op, `${at}.op`, postprocessOps),
        axis: integer(step.axis, `${at}.axis`, -16, 15),
        ...(step.keepDims === undefined ? {} : { keepDims: bool(step.keepDims, `${at}.keepDims`) }),
        ...(step.count === undefined
          ? {}
          : { count: integer(step.count, `${at}.count`, 1, 2 ** 31 - 1) }),
        ...(step.smallest === undefined ? {} : { smallest: bool(step.smallest, `${at}.smallest`) }),
      };
    },
  );
  const fault = postprocessFault(postprocess, tensor.shape);
  if (fault !== null) {
    refuse(`${path}.postprocess`, `steps that fit the output, but ${fault}`, postprocess);
  }
  const labels = from.labels;
  return {
    ...tensor,
    bound,
    postprocess,
    ...(labels === undefined
      ? {}
      : {
          labels: list(labels, `${path}.labels`, 65536).map((item, i) =>
            text(item, `${path}.labels[${i}]`),
          ),
        }),
  };
}

function readKeys(value: unknown, parameters: CryptoParameters): ClientPlan['keys'] {
  const from = fields(value, 'keys');
  const most = parameters.primes.length;
  const slots = parameters.ringDegree / 2;
  const relinearisation =
    from.relinearisation === null
      ? null
      : {
          primes: integer(
            fields(from.relinearisation, 'keys.relinearisation').primes,
            'keys.relinearisation.primes',
            1,
            most,
          ),
        };
  const rotations = list(from.rotations, 'keys.rotations', maxKeys).map(
    (item, i): RotationKeyRequest => {
      const at = `keys.rotations[${i}]`;
      const key = fields(item, at);
      const step = integer(key.step, `${at}.step`, -slots + 1, slots - 1);
      if (step === 0) refuse(`${at}.step`, 'other than 0', step);
      return { step, primes: integer(key.primes, `${at}.primes`, 1, most) };
    },
  );
  if (new Set(rotations.map(({ step }) => step)).size !== rotations.length) {
    refuse('keys.rotations', 'steps that occur once', rotations);
  }
  return { relinearisation, rotations };
}
