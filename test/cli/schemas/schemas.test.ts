import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { publishedSchema } from '../../../src/cli/schemas/define-json-schema.ts';
import { jsonSchemas } from '../../../src/cli/schemas/index.ts';
import { CipherloomError, errorCodes, type ErrorCode } from '../../../src/errors.ts';
import { batchPlan, hostilePlan, plainPlan } from '../../backend/typescript/hand-made-plans.ts';
import { squarePlan } from '../../client/toy-plan.ts';
import { spawnProgram } from '../spawn-program.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const published = join(root, 'schemas');

type Json = Readonly<Record<string, unknown>>;

function readPublished(name: string): Json {
  return JSON.parse(readFileSync(join(published, `${name}.schema.json`), 'utf8')) as Json;
}

/** A validator made from the published text, not from the declaration it came from. */
function validator(name: string): z.ZodType {
  return z.fromJSONSchema(readPublished(name));
}

function faults(name: string, document: unknown): string[] {
  const result = validator(name).safeParse(JSON.parse(JSON.stringify(document)));
  return (result.error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('published schemas', () => {
  test('are those that the declarations give (npm run schemas)', () => {
    const texts = jsonSchemas.map((declared) => [
      `${declared.name}.schema.json`,
      publishedSchema(declared),
    ]);
    const files = readdirSync(published).map((file) => [
      file,
      readFileSync(join(published, file), 'utf8'),
    ]);
    expect(files.sort()).toEqual(texts.sort());
  });

  // A budget file is what people write; the others are what the program does.
  const written = jsonSchemas.map(({ name }) => name).filter((name) => name !== 'budget');
  test.each(written)('%s: no figure is left out', (name) => {
    const optional: string[] = [];
    const visit = (node: unknown): void => {
      if (typeof node !== 'object' || node === null) return;
      const { properties, required = [] } = node as {
        properties?: Json;
        required?: readonly string[];
      };
      for (const key of Object.keys(properties ?? {})) {
        if (!required.includes(key)) optional.push(key);
      }
      Object.values(node).forEach(visit);
    };
    visit(readPublished(name));
    // None of these is a figure: a name, a form of the answer or of a step, what was asked to be printed.
    const allowed = new Set(['count', 'ir', 'keepDims', 'labels', 'node', 'publicInputs', 'smallest']);
    expect(optional.filter((key) => !allowed.has(key))).toEqual([]);
  });

  test('a field more, a field less and another type are noticed', () => {
    const fields = Object.keys(squarePlan) as (keyof typeof squarePlan)[];
    for (const field of fields) {
      const { [field]: _left, ...rest } = squarePlan;
      expect(faults('client', rest)).not.toEqual([]);
      expect(faults('client', { ...squarePlan, [field]: {} })).not.toEqual([]);
    }
    expect(faults('client', { ...squarePlan, other: 1 })).not.toEqual([]);
  });
});

describe('documents', () => {
  const isClient = (document: unknown) => {
    expect(faults('client', document)).toEqual([]);
  };

  test('client plans of every form', () => {
    isClient(squarePlan);
    isClient(plainPlan);
    isClient(batchPlan);
    const named = ({ name }: { readonly name: string }) => name !== '';
    isClient({
      ...hostilePlan,
      inputs: hostilePlan.inputs.filter(named),
      outputs: hostilePlan.outputs.filter(named),
    });
  });

  test.each(Object.keys(errorCodes) as ErrorCode[])('an error %s', (code) => {
    expect(faults('error', new CipherloomError(code, 'a message'))).toEqual([]);
    const whole = new CipherloomError(code, 'a message', {
      phase: 'cli',
      node: 'conv1',
      details: { got: 1, list: ['a'] },
      hint: 'type this',
    });
    expect(faults('error', whole)).toEqual([]);
  });
});

describe('what the commands print and write', () => {
  const program = join(root, 'src/cli/main.ts');
  const examples = join(root, 'examples/mnist');
  const model = join(examples, 'lola.onnx');
  let folder: string;
  let plan: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cipherloom-schemas-'));
    plan = join(folder, 'plan');
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  async function printed(status: number, ...words: string[]): Promise<unknown> {
    const ended = await spawnProgram(program, [...words, '--json']);
    expect(ended).toMatchObject({ status });
    return JSON.parse(status === 0 || status === 5 ? ended.stdout : ended.stderr);
  }

  test('inspect', async () => {
    expect(faults('inspect', await printed(0, 'inspect', model))).toEqual([]);
  });

  test('compile, its client.json and its report.json', async () => {
    expect(faults('compile', await printed(0, 'compile', model, '-o', plan))).toEqual([]);
    for (const name of ['client', 'report']) {
      expect(faults(name, JSON.parse(readFileSync(join(plan, `${name}.json`), 'utf8')))).toEqual([]);
    }
  });

  test('compile that stops', async () => {
    const stopped = await printed(0, 'compile', model, '--stop-after', 'fuse-linear');
    expect(faults('compile', stopped)).toEqual([]);
  });

  test('check, with budgets met and missed', async () => {
    expect(faults('check', await printed(0, 'check', plan))).toEqual([]);
    const missed = await printed(5, 'check', plan, '--max-key-bytes', '1');
    expect(missed).toMatchObject({ ok: false, missed: ['keyBytes'] });
    expect(faults('check', missed)).toEqual([]);
    const { stdout } = await spawnProgram(program, ['check', plan, '--format', 'json']);
    expect(faults('check', JSON.parse(stdout))).toEqual([]);
  });

  test('run', async () => {
    const input = join(examples, 'images.npy');
    const words = ['run', plan, '--input', input, '--limit', '2', '--backend', 'clear'];
    expect(faults('run', await printed(0, ...words))).toEqual([]);
  });

  test('simulate', async () => {
    const input = join(examples, 'images.npy');
    const labels = join(examples, 'labels.npy');
    const words = ['simulate', plan, '--input', input, '--labels', labels, '--limit', '2'];
    expect(faults('simulate', await printed(0, ...words))).toEqual([]);
  });

  test('verify, and its budgets missed', async () => {
    const input = join(examples, 'images.npy');
    const words = ['verify', plan, '--model', model, '--input', input, '--limit', '2'];
    const clear = [...words, '--backend', 'clear'];
    expect(faults('verify', await printed(0, ...clear))).toEqual([]);
    const missed = await printed(5, ...clear, '--min-precision-bits', '60');
    expect(missed).toMatchObject({ missed: [{ name: 'precisionBits' }] });
    expect(faults('verify', missed)).toEqual([]);
  });

  test('report', async () => {
    expect(faults('report-page', await printed(0, 'report', plan))).toEqual([]);
  });

  test('export-torch', async () => {
    const relu = join(examples, 'relu.onnx');
    const calibration = ['--calibration', join(examples, 'calibration.npy')];
    const words = ['export-torch', relu, ...calibration, '-o', join(folder, 'relu.py')];
    expect(faults('export-torch', await printed(0, ...words))).toEqual([]);
  });

  test('calibrate', async () => {
    const relu = join(examples, 'relu.onnx');
    const calibration = ['--calibration', join(examples, 'calibration.npy')];
    const words = ['calibrate', relu, ...calibration, '-o', join(folder, 'c.npz')];
    expect(faults('calibrate', await printed(0, ...words))).toEqual([]);
  });

  test('bench', async () => {
    const words = ['bench', plan, '--runs', '2', '--backend', 'clear'];
    expect(faults('bench', await printed(0, ...words))).toEqual([]);
  });

  test('images', async () => {
    const photos = join(folder, 'photos');
    mkdirSync(photos);
    const pixel =
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC';
    writeFileSync(join(photos, 'red.png'), Buffer.from(pixel, 'base64'));
    const words = ['images', photos, '--size', '2', '-o', join(folder, 'x.npy')];
    expect(faults('images', await printed(0, ...words))).toEqual([]);
  });

  test('a failure', async () => {
    const error = await printed(3, 'inspect', join(folder, 'absent.onnx'));
    expect(error).toMatchObject({ code: 'FILE_UNREADABLE' });
    expect(faults('error', error)).toEqual([]);
  });
});
