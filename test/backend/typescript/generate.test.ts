import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import prettier from 'prettier';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateTypeScript } from '../../../src/backend/typescript/generate.ts';
import { propertyKey, stringLiteral } from '../../../src/backend/typescript/literals.ts';
import { typeName } from '../../../src/backend/typescript/type-name.ts';
import type { ClientPlan } from '../../../src/layout/client-plan.ts';
import { checkTypes, nodesOf, type CheckedSources } from './check-types.ts';
import {
  batchPlan,
  digits,
  hostileNames,
  hostilePlan,
  plainPlan,
  publicPlan,
} from './hand-made-plans.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const facts = { securityBits: 131.24 };
const plans = { plain: plainPlan, batch: batchPlan, hostile: hostilePlan, public: publicPlan };
const generated = Object.entries(plans).map(
  ([name, plan]) => [name, plan, generateTypeScript(plan, facts)] as const,
);
const files = generated.flatMap(([name, , sources]) =>
  Object.entries(sources).map(([file, text]) => [`${name}/${file}`, text] as const),
);

describe('text', () => {
  // The suffix keeps goldens out of the project's own typecheck.
  test.each(files)('%s is as committed', async (name, text) => {
    await expect(text).toMatchFileSnapshot(`golden/${name}.txt`);
  });

  test.each(files)('%s is formatted', async (_name, text) => {
    expect(await formatted(text)).toBe(text);
  });

  test.each(generated)('%s: the same plan gives the same bytes', (_name, plan, sources) => {
    // A copy whose properties stand in another order, as another reader might make it.
    const copy = JSON.parse(JSON.stringify(plan), (_key, value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).reverse())
        : value,
    ) as ClientPlan;
    expect(generateTypeScript(copy, facts)).toEqual(sources);
  });

  test('an insecure plan says so first of all', () => {
    const { parameters } = plainPlan;
    const sources = generateTypeScript(
      { ...plainPlan, parameters: { ...parameters, insecure: true } },
      { securityBits: 90 },
    );
    for (const text of Object.values(sources)) {
      expect(text.indexOf('NOT SECURE')).toBeGreaterThan(0);
      expect(text.indexOf('NOT SECURE')).toBeLessThan(text.indexOf('import '));
      expect(text).toContain('insecure: true,');
    }
  });

  test('the client imports the package that it is told to, and is the same otherwise', () => {
    const [, , sources] = generated[0]!;
    const other = generateTypeScript(plainPlan, facts, 'cipherloom-client');
    expect(other).toEqual({
      ...sources,
      'client.ts': sources['client.ts'].replace("'cipherloom/client'", "'cipherloom-client'"),
    });
  });

  test('predicted precision is not rounded up', () => {
    const { 'client.ts': text } = generateTypeScript({ ...plainPlan, precisionBits: 11.99 }, facts);
    expect(text).toContain('precisionBits: 11.9,');
  });

  test('a range that is no number is a bug of the compiler, not code', () => {
    const [input] = plainPlan.inputs;
    const inputs = [{ ...input!, range: [0, Infinity] as const }];
    expect(() => generateTypeScript({ ...plainPlan, inputs }, facts)).toThrow('finite');
  });
});

describe('literals', () => {
  const trouble = [
    "'",
    '"',
    '\\',
    '`',
    '*',
    '/',
    '@',
    '{',
    '}',
    '$',
    '\n',
    '\u2028',
    '\u202e',
    'é',
    '画',
  ];
  const anyText = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.string({ unit: fc.constantFrom(...trouble), maxLength: 12 }),
    fc.string({ unit: fc.integer({ max: 0xffff }).map((code) => String.fromCharCode(code)) }),
  );

  test('a string evaluates to itself, on one line', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const literal = stringLiteral(text);
        expect(runInNewContext(literal)).toBe(text);
        expect(literal).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
      }),
      { numRuns: 1000 },
    );
  });

  test('a key makes an own property of that name', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, fc.constantFrom(...hostileNames)), (name) => {
        const object: unknown = runInNewContext(`({ ${propertyKey(name)}: 1 })`);
        expect(Reflect.ownKeys(object as object)).toEqual([name]);
      }),
      { numRuns: 500 },
    );
  });

  test('prettier leaves keys and strings alone', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, anyText, async (key, value) => {
        const line = `${propertyKey(key)}: [${stringLiteral(value)}, 1],`;
        fc.pre(line.length < 60);
        const text = `export const x = {\n  ${line}\n};\n`;
        expect(await formatted(text)).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  test('a type name is an identifier that the generated code does not import', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, fc.constantFrom('inference', '', 'cipherloom')), (name) => {
        const type = typeName(name);
        expect(type).toMatch(/^[A-Z][A-Za-z0-9]{0,37}$/);
        expect([`${type}Client`, `${type}Session`]).not.toContain('Client');
        expect(`${type}Session`).not.toBe('InferenceSession');
      }),
    );
    expect(typeName('lenet-5_square')).toBe('Lenet5Square');
    expect(typeName('3d')).toBe('Model3d');
  });
});

describe('types', () => {
  const node = { lib: ['lib.es2024.d.ts', 'lib.esnext.disposable.d.ts'], types: ['node'] };
  // What a new browser project has: no disposables, nothing of Node's.
  const browser = { lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'], types: [] };

  /** Uses that must compile, and below each `@ts-expect-error` one that must not. */
  const usage = `
import { inputs, labelOf, LolaClient, labels, type Inputs, type Labels } from './plain/client.ts';
import { LolaSession } from './plain/server.ts';
import { TowersClient } from './public/client.ts';
import { TowersSession, publicInputs } from './public/server.ts';
import { Model2HeadsBatch8Client, labelOf as batchLabelOf, channelLabels } from './batch/client.ts';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const yes = <T extends true>(value: T): T => value;

export async function plain(json: string, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const client = LolaClient.load(json);
  const { evaluationKeys } = await client.generateKeys();
  const image = new Float32Array(inputs.image.values);
  const request = await client.encrypt({ image });
  await client.encrypt({ image: { data: image, shape: [1, 1, 8, 8] } });
  await client.encrypt({ image: { data: new Float64Array(3 * 64), shape: [3, 1, 8, 8] } });
  // @ts-expect-error there is no such input
  await client.encrypt({ picture: image });
  // @ts-expect-error an input is missing
  await client.encrypt({});
  // @ts-expect-error the shape is another
  await client.encrypt({ image: { data: image, shape: [1, 1, 8, 9] } });
  // @ts-expect-error not a list of floats
  await client.encrypt({ image: [0, 1] });

  const session = await LolaSession.create(bytes, { evaluationKeys: await evaluationKeys.bytes() });
  const result = await client.decrypt(await session.run(request));
  const shape: readonly [number, 8] = result.logits.shape;
  // @ts-expect-error there is no such output
  void result.probabilities;
  const label: 'zero' | 'one' | 'two' | 'three' | 'four' | 'five' | 'six' | 'seven' = labelOf('logits', result.logits);
  yes<Equal<Labels['logits'], (typeof labels.logits)[number]>>(true);
  yes<Equal<keyof Inputs, 'image'>>(true);
  yes<Equal<typeof session.inputNames, readonly 'image'[]>>(true);
  yes<Equal<typeof inputs.image.shape, readonly [1, 1, 8, 8]>>(true);
  await session.release();
  return label + String(shape[0]);
}

export async function known(json: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const client = TowersClient.load(json);
  const request = await client.encrypt({ secret: new Float32Array(8) });
  // @ts-expect-error the server knows it: clients send nothing of it
  await client.encrypt({ secret: new Float32Array(8), known: new Float32Array(5) });
  const session = await TowersSession.create(bytes);
  const tensor = new Float32Array(publicInputs.known.values);
  await session.run(request, { public: { known: tensor } });
  await session.run(request, { public: { known: { data: tensor, shape: [1, 5] } } });
  // @ts-expect-error a public input is missing
  await session.run(request);
  // @ts-expect-error there is no such input
  await session.run(request, { public: { known: tensor, secret: tensor } });
}

export async function batch(json: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const client = Model2HeadsBatch8Client.load(json);
  const mask = new Float32Array(8);
  await client.encrypt({ image: new Float32Array(64), 'onnx::Mask_0': mask });
  await client.encrypt({
    image: { data: new Float32Array(64), shape: [1, 1, 8, 8] },
    'onnx::Mask_0': { data: mask, shape: [8] },
  });
  await client.encrypt({
    image: { data: new Float32Array(128), shape: [2, 1, 8, 8] },
    'onnx::Mask_0': { data: new Float32Array(16), shape: [2, 8] },
  });
  const result = await client.decrypt(bytes);
  yes<Equal<typeof result.probabilities.shape, readonly [number, 8]>>(true);
  yes<Equal<typeof result.digit.shape, readonly [number]>>(true);
  yes<Equal<typeof result.column.shape, readonly [1, 2] | readonly [number, 1, 2]>>(true);
  yes<Equal<typeof result.scalar.shape, readonly [] | readonly [number]>>(true);
  batchLabelOf('digit', result.digit, 1);
  // @ts-expect-error an image has several of these
  batchLabelOf('pixels', result.pixels);
  yes<Equal<typeof channelLabels.pixels, readonly ['cat', 'dog']>>(true);
}
`;

  let checked: CheckedSources;
  beforeAll(() => {
    checked = checkTypes({ ...Object.fromEntries(files), 'usage.ts': usage }, node);
  });

  test('client and server compile under the strictest flags, and refuse wrong uses', () => {
    expect(checked.faults).toEqual([]);
  });

  test('they import the public entries alone, and have no any and no cast', () => {
    const { checker, file } = checked;
    for (const [name] of files) {
      const source = file(name);
      const nodes = nodesOf(source);
      const imports = nodes.filter(ts.isImportDeclaration).map((found) => found.moduleSpecifier);
      expect(new Set(imports.map((found) => found.getText(source)))).toEqual(
        new Set([name.endsWith('client.ts') ? "'cipherloom/client'" : "'cipherloom/server'"]),
      );
      expect(nodes.filter(({ kind }) => kind === ts.SyntaxKind.AnyKeyword)).toEqual([]);
      // Nor a value whose type became any by inference or a failed import.
      const values = nodesOf(
        source,
        (found) => ts.isTypeNode(found) || ts.isImportDeclaration(found),
      );
      const anys = values.filter(
        (found) =>
          ts.isExpression(found) &&
          (checker.getTypeAtLocation(found).flags & ts.TypeFlags.Any) !== 0,
      );
      expect(values.filter(ts.isExpression).length).toBeGreaterThan(50);
      expect(anys.map((found) => found.getText(source))).toEqual([]);
      const casts = nodes.filter(
        (found) => ts.isAsExpression(found) && found.type.getText(source) !== 'const',
      );
      expect(casts).toEqual([]);
    }
  });

  test('the client compiles in a browser project', () => {
    const clients = Object.fromEntries(files.filter(([name]) => name.endsWith('client.ts')));
    expect(checkTypes(clients, browser).faults).toEqual([]);
  });

  test('documentation reaches the properties a caller types', () => {
    const { checker, file } = checked;
    const alias = nodesOf(file('plain/client.ts')).find(
      (found) => ts.isTypeAliasDeclaration(found) && found.name.text === 'Inputs',
    );
    const [image] = checker.getTypeAtLocation(alias!).getProperties();
    expect(ts.displayPartsToString(image!.getDocumentationComment(checker))).toContain(
      'each from 0 to 1',
    );
  });

  test('a name adds no tag to a comment', () => {
    for (const [name] of files) {
      const tags = nodesOf(checked.file(name)).flatMap((found) => ts.getJSDocTags(found));
      expect(tags.map((tag) => tag.tagName.text).filter((tag) => tag === 'deprecated')).toEqual([]);
    }
  });
});

describe('run', () => {
  interface ClientModule {
    readonly planHash: string;
    readonly inputs: Readonly<Record<string, unknown>>;
    readonly outputs: Readonly<Record<string, unknown>>;
    readonly labels: Readonly<Record<string, readonly string[]>>;
    readonly labelOf: (name: string, output: { data: Float64Array }, image?: number) => string;
    readonly [client: `${string}Client`]: { load(json: unknown): { plan: ClientPlan } };
  }

  let folder: string;
  beforeAll(() => {
    mkdirSync(join(root, 'test-results'), { recursive: true });
    folder = mkdtempSync(join(root, 'test-results/generated-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** The generated client, on the library's source. */
  async function importClient(name: keyof typeof plans): Promise<ClientModule> {
    const path = join(folder, `${name}.ts`);
    const text = generateTypeScript(plans[name], facts)['client.ts'];
    writeFileSync(path, text.replace('cipherloom/client', join(root, 'src/client/index.ts')));
    return (await import(path)) as ClientModule;
  }

  test('hostile names arrive as they are', async () => {
    const client = await importClient('hostile');
    const sorted = [...hostileNames].sort();
    expect(Reflect.ownKeys(client.inputs).sort()).toEqual(sorted);
    expect(Reflect.ownKeys(client.outputs).sort()).toEqual(sorted);
    expect(Reflect.ownKeys(client.labels).sort()).toEqual(sorted);
    for (const name of hostileNames) expect(client.labels[name]).toEqual(hostileNames);
    const hostile = client.ExportDefault1DeprecatedClient!;
    // The reader of plans refuses an empty name; the generator need not.
    const { inputs, outputs } = hostilePlan;
    const named = {
      ...hostilePlan,
      inputs: inputs.filter(({ name }) => name !== ''),
      outputs: outputs.filter(({ name }) => name !== ''),
    };
    expect(hostile.load(JSON.stringify(named)).plan.inputs).toHaveLength(hostileNames.length - 1);
  });

  test('the client of one plan refuses the client.json of another', async () => {
    const { LolaClient } = await importClient('plain');
    expect(LolaClient!.load(JSON.stringify(plainPlan)).plan).toEqual(plainPlan);
    const other = 'f'.repeat(64);
    expect(() => LolaClient!.load({ ...plainPlan, planHash: other })).toThrow(
      expect.objectContaining({
        code: 'PLAN_MISMATCH',
        details: { expected: plainPlan.planHash, got: other },
      }),
    );
  });

  test('labels are read off scores and off indices', async () => {
    const { labelOf } = await importClient('batch');
    const scores = Float64Array.of(
      ...[0, 1, 9, 1, 0, 0, 0, 0],
      ...[-9, -8, -7, -6, -5, -4, -3, -4],
    );
    const probabilities = { data: scores };
    expect(labelOf('probabilities', probabilities)).toBe(digits[2]);
    expect(labelOf('probabilities', probabilities, 1)).toBe(digits[6]);
    expect(() => labelOf('probabilities', probabilities, 2)).toThrow(RangeError);
    const digit = { data: Float64Array.of(3, 7) };
    expect(labelOf('digit', digit, 1)).toMatch(/^seven/);
    expect(() => labelOf('digit', digit, 2)).toThrow(RangeError);
  });
});

async function formatted(text: string): Promise<string> {
  const options = await prettier.resolveConfig(join(root, 'package.json'));
  return prettier.format(text, { ...options, parser: 'typescript' });
}
