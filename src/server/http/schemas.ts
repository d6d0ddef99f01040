/** JSON schemas of the routes: they check what comes in, and make `/openapi.json`. */

export const nothing = { type: 'null', description: 'no body' } as const;

export const liveness = {
  type: 'object',
  required: ['live'],
  properties: { live: { type: 'boolean' }, ready: { type: 'boolean' } },
} as const;

export const modelReadiness = {
  type: 'object',
  required: ['name', 'ready'],
  properties: { name: { type: 'string' }, ready: { type: 'boolean' } },
} as const;

export const errorSchema = {
  type: 'object',
  description: 'what went wrong',
  required: ['error', 'code', 'hint'],
  additionalProperties: true,
  properties: {
    error: { type: 'string', description: 'what went wrong, with the numbers compared' },
    code: { type: 'string', description: 'a code of docs/errors' },
    hint: { type: ['string', 'null'], description: 'what to do next' },
    details: { type: 'object', additionalProperties: true, description: 'the numbers compared' },
    received: { type: 'integer', description: 'bytes of an upload that have arrived' },
  },
} as const;

/** The refusals that a route documents. */
export function errors(...statuses: readonly number[]): Record<number, typeof errorSchema> {
  return Object.fromEntries(statuses.map((status) => [status, errorSchema]));
}

export const serverMetadata = {
  type: 'object',
  description: 'name, version and extensions of the server',
  required: ['name', 'version', 'extensions'],
  properties: {
    name: { type: 'string' },
    version: { type: 'string' },
    extensions: { type: 'array', items: { type: 'string' } },
  },
} as const;

const tensorMetadata = {
  type: 'object',
  required: ['name', 'datatype', 'shape'],
  properties: {
    name: { type: 'string' },
    datatype: { type: 'string' },
    shape: { type: 'array', items: { type: 'integer' } },
  },
} as const;

export const modelMetadata = {
  type: 'object',
  description: 'inputs and outputs of a model; `ciphertext` is BYTES: a ciphertext file',
  required: ['name', 'versions', 'platform', 'inputs', 'outputs', 'parameters'],
  properties: {
    name: { type: 'string' },
    versions: { type: 'array', items: { type: 'string' } },
    platform: { type: 'string' },
    inputs: { type: 'array', items: tensorMetadata },
    outputs: { type: 'array', items: tensorMetadata },
    parameters: {
      type: 'object',
      required: ['plan', 'batch', 'key_bytes', 'request_bytes', 'response_bytes'],
      properties: {
        plan: { type: 'string', description: 'SHA-256 of the plan' },
        batch: { type: 'integer', description: 'images one execution holds' },
        key_bytes: { type: 'integer', description: 'of the evaluation keys of one client' },
        request_bytes: { type: 'integer', description: 'of the ciphertexts of one execution' },
        response_bytes: { type: 'integer', description: 'of the answer to one execution' },
      },
    },
  },
} as const;

/** The model repository extension of the protocol. */
export const repositoryIndex = {
  type: 'array',
  description: 'the models of the server',
  items: {
    type: 'object',
    required: ['name', 'version', 'state'],
    properties: {
      name: { type: 'string' },
      version: { type: 'string', description: 'first 16 hex digits of the plan hash' },
      state: { type: 'string', enum: ['READY', 'UNAVAILABLE'] },
    },
  },
} as const;

export const modelParams = {
  type: 'object',
  required: ['name'],
  properties: { name: { type: 'string', description: 'name of the model' } },
} as const;

export const versionParams = {
  type: 'object',
  required: ['name', 'version'],
  properties: {
    ...modelParams.properties,
    version: { type: 'string', description: 'first 16 hex digits of the plan hash' },
  },
} as const;

export const keyParams = {
  type: 'object',
  required: ['sha256'],
  properties: { sha256: { type: 'string', description: 'SHA-256 of evaluation.keys, in hex' } },
} as const;

export const keyState = {
  type: 'object',
  description: 'how much of the keys has arrived',
  required: ['received', 'total'],
  properties: {
    received: { type: 'integer', description: 'bytes that have arrived' },
    total: { type: 'integer', description: 'bytes of the whole bundle' },
    complete: { type: 'boolean', description: 'whether they are all there and verified' },
    missing: {
      type: 'array',
      items: { type: 'string' },
      description: 'keys that the plan asks for and the bundle lacks',
    },
  },
} as const;

/** Routes that need a token, where the server has any. */
export const secured: Readonly<Record<string, readonly string[]>>[] = [{ bearer: [] }];
