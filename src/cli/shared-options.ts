import { byteCount, choice, filePath, integer, number } from './option-schemas.ts';

// Options that several commands have, spelled alike everywhere. Use them with a command's own
// description: `{ ...outputOption, describe: '…' }`.

/** `-o`, `--out` and `--output` are one option in every command. */
export const outputOption = {
  value: 'PATH',
  alias: ['o', 'out'],
  schema: filePath(),
  describe: 'where to write',
} as const;

export const threadsOption = {
  value: 'T',
  schema: integer(1, 1024).optional(),
  describe:
    'threads of the native evaluator, with equal results for any number; default: as many as the machine runs at once; seal and clear have one',
} as const;

/** Labels of the inputs. */
export const labelsOption = {
  value: 'Y.npy',
  schema: filePath().optional(),
  describe: 'class indices, one an image: adds the accuracy',
} as const;

/** Of noise that is drawn. */
export const seedOption = {
  value: 'SEED',
  schema: integer(0, 2 ** 32 - 1).default(1),
  describe: 'of the noise: the same seed gives the same results everywhere',
} as const;

export const limitOption = {
  value: 'K',
  schema: integer(1).optional(),
  describe: 'use only the first K inputs',
} as const;

/** `--input` of what encrypts: a file, NAME=FILE for each input, or an archive of all. */
export const inputOption = {
  value: '[NAME=]X.npy|X.npz',
  repeat: true,
  schema: filePath().array().min(1),
  describe:
    'images, [K, C, H, W] or [K, features]; NAME=X.npy, or X.npz, for a model with several inputs',
} as const;

/** Memory of what evaluates ciphertexts. */
export const evaluatorMemoryOption = {
  value: 'BYTES',
  schema: byteCount().optional(),
  describe: 'most memory of plan, keys and one execution, such as 2GiB (native)',
} as const;

/** What evaluates a plan. */
export const backendOption = {
  value: 'NAME',
  schema: choice(['auto', 'native', 'seal', 'clear']).default('auto'),
  describe:
    'auto: native where its addon is built, else seal (default); clear: the plan without encryption',
} as const;

/** What evaluates ciphertexts. */
export const ciphertextBackendOption = {
  value: 'NAME',
  schema: choice(['auto', 'native', 'seal']).default('auto'),
  describe: 'auto: native where its addon is built, else seal (default)',
} as const;

/** Where jobs go, and where workers take them from. */
export const queueOption = { value: 'ADDRESS', schema: filePath() } as const;

export const queueCredentialsOption = {
  value: 'FILE',
  schema: filePath().optional(),
  describe: 'credentials of NATS (.creds); user and password may stand in the address instead',
} as const;

/** Requests that a server or a worker evaluates at once. */
export const maxRequestsOption = {
  value: 'N',
  schema: integer(1, 1024).default(1),
  describe: 'requests evaluated at once (1: each has all threads)',
} as const;

/** Of what runs until it is told to stop. */
export const drainTimeoutOption = {
  value: 'SECONDS',
  schema: number(0, 86_400).default(30),
  describe: 'when told to stop: time that running requests have (30)',
} as const;

/** Of what runs until it is told to stop. */
export const logLevelOption = {
  value: 'LEVEL',
  schema: choice(['silent', 'error', 'warn', 'info', 'debug']).default('info'),
  describe: 'what is logged on stderr, one JSON object a line (info)',
} as const;
