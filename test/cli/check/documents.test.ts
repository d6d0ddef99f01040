import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { validateXML } from 'xmllint-wasm';
import { junitXml } from '../../../src/cli/check/junit.ts';
import { sarifLog } from '../../../src/cli/check/sarif.ts';
import type { Verdict } from '../../../src/cli/check/verdicts.ts';

const require = createRequire(import.meta.url);
const junitSchema = readFileSync(
  fileURLToPath(new URL('junit-schema/jenkins-junit.xsd', import.meta.url)),
  'utf8',
);

const held: Verdict = {
  kind: 'budget',
  name: 'securityBits',
  option: '--min-security',
  unit: 'bits',
  limit: 128,
  figure: 128,
  bound: 'least',
  source: 'recomputed from the primes',
  met: true,
  nodes: [],
};
const missed: Verdict = {
  ...held,
  name: 'latencyMs',
  option: 'a "b" <c> & d: maxLatencyMs',
  unit: 'ms',
  bound: 'most',
  limit: 100,
  figure: 371,
  met: false,
  nodes: ['/dense1/Gemm', 'ünd <x>'],
};
const plan = { name: 'lola', planHash: '0'.repeat(64) };

describe('SARIF', () => {
  const ajv = new Ajv({ schemaId: 'auto', meta: false, allErrors: true });
  ajv.addMetaSchema(require('ajv/lib/refs/json-schema-draft-04.json') as object);
  const validate = ajv.compile(
    require('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json') as object,
  );
  const faults = (log: unknown) => (validate(log) === true ? [] : (validate.errors ?? []));
  const logOf = (verdicts: readonly Verdict[], file = 'nets/my net.onnx') =>
    JSON.parse(sarifLog(verdicts, { file, version: '0.1.0' })) as {
      runs: [{ results: Record<string, unknown>[] }];
    };

  test('is valid by the published schema, which refuses what is not', () => {
    for (const verdicts of [
      [],
      [held],
      [held, missed],
      [{ ...missed, kind: 'baseline' as const }],
    ]) {
      expect(faults(logOf(verdicts))).toEqual([]);
    }
    expect(faults({ ...logOf([held]), version: '2.0' })).not.toEqual([]);
    expect(faults({ version: '2.1.0', runs: [{ results: [] }] })).not.toEqual([]);
  });

  test('has a result a missed limit, at the file and the node', () => {
    const { results } = logOf([held, missed]).runs[0];
    expect(results).toHaveLength(1);
    expect(results[0]).toMatchObject({
      ruleId: 'budget/latencyMs',
      level: 'error',
      locations: [
        {
          physicalLocation: { artifactLocation: { uri: 'nets/my%20net.onnx' } },
          logicalLocations: [{ name: '/dense1/Gemm' }],
        },
        { logicalLocations: [{ name: 'ünd <x>' }] },
      ],
    });
  });
});

describe('JUnit', () => {
  const at = new Date('2026-01-02T03:04:05Z');
  const faults = async (contents: string) => {
    const { errors } = await validateXML({
      xml: [{ fileName: 'check.xml', contents }],
      schema: [{ fileName: 'junit.xsd', contents: junitSchema }],
    });
    return errors.map(({ message }) => message);
  };

  test('is valid by the published schema, which refuses what is not', async () => {
    for (const verdicts of [[], [held], [held, missed]]) {
      expect(await faults(junitXml(verdicts, plan, at))).toEqual([]);
    }
    const wrong = junitXml([held], plan, at).replace('tests="1"', '');
    expect(await faults(wrong)).not.toEqual([]);
  });

  test('counts failures and says both figures', () => {
    const xml = junitXml([held, missed], plan, at);
    expect(xml).toContain('tests="2" failures="1"');
    expect(xml).toContain('371 ms');
    expect(xml).toContain('a &quot;b&quot; &lt;c&gt; &amp; d');
  });

  test('any text in it stays XML', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'binary' }), { minLength: 10 }),
        async (texts) => {
          const verdicts = texts.map((option) => ({ ...missed, option }));
          const xml = junitXml(verdicts, { ...plan, name: texts[0]! }, at);
          expect(await faults(xml)).toEqual([]);
        },
      ),
      { numRuns: 5 },
    );
  });
});
