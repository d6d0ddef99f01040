import { relative, sep } from 'node:path';
import { budgetFigures } from './budget-figures.ts';
import { baselineFigures } from './baseline-figures.ts';
import { verdictSentence, type Verdict } from './verdicts.ts';

/** The schema of the format, by its published name. */
const sarifSchema =
  'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';

export interface SarifSubject {
  /** The file that a finding is about: the model where it is known, else the plan. */
  readonly file: string;
  readonly version: string;
}

/**
 * The verdicts as a SARIF 2.1.0 log: one result a missed limit, at the file and the ONNX node.
 *
 * Source  OASIS, Static Analysis Results Interchange Format 2.1.0
 */
export function sarifLog(verdicts: readonly Verdict[], { file, version }: SarifSubject): string {
  const rules = [
    ...budgetFigures.map(({ name, summary }) => ({
      id: `budget/${name}`,
      shortDescription: { text: `Budget of ${name}: ${summary}.` },
      help: { text: 'cipherloom explain BUDGET_MISSED' },
    })),
    ...baselineFigures.map(({ name }) => ({
      id: `baseline/${name}`,
      shortDescription: { text: `${name} is worse than in the baseline by more than allowed.` },
      help: { text: 'cipherloom explain BUDGET_MISSED' },
    })),
  ];
  const uri = fileUri(file);
  const results = verdicts
    .filter(({ met }) => !met)
    .map((verdict) => {
      const ruleId = `${verdict.kind}/${verdict.name}`;
      return {
        ruleId,
        ruleIndex: rules.findIndex(({ id }) => id === ruleId),
        level: 'error',
        message: { text: `${verdictSentence(verdict)}.` },
        locations: locations(uri, verdict.nodes),
        // The same miss in the next run is the same finding, whatever the figures are by then.
        partialFingerprints: { 'cipherloom/v1': `${ruleId}@${uri}` },
        properties: { figure: verdict.figure, limit: verdict.limit, option: verdict.option },
      };
    });
  const driver = { name: 'cipherloom', version, rules };
  const log = {
    $schema: sarifSchema,
    version: '2.1.0',
    runs: [{ tool: { driver }, artifacts: [{ location: { uri } }], results }],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

function locations(uri: string, nodes: readonly string[]): object[] {
  const physicalLocation = { artifactLocation: { uri, index: 0 } };
  if (nodes.length === 0) return [{ physicalLocation }];
  return nodes.map((name) => ({
    physicalLocation,
    logicalLocations: [{ name, fullyQualifiedName: `${uri}#${name}`, kind: 'element' }],
  }));
}

/** Relative to the current folder where the file is in it: viewers look for it in the repository. */
function fileUri(file: string): string {
  const inside = relative(process.cwd(), file);
  const path = inside === '' || inside.startsWith('..') ? file : inside;
  return path.split(sep).map(encodeURIComponent).join('/');
}
