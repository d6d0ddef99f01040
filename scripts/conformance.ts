/**
 * `npm run conformance`: ONNX's own backend cases through the importers and the interpreter.
 *
 *   npm run conformance                 totals, then every case that is not compiled, with the reason
 *   npm run conformance -- --all        every case
 *   npm run conformance -- test_pad     cases whose title contains a text, in every way they are run
 *   npm run conformance -- --json       outcomes as one JSON object
 */
import { parseArgs } from 'node:util';
import { backendCases, backendFolder } from '../test/conformance/backend-cases.ts';
import { runCase } from '../test/conformance/run-case.ts';
import { detailText, listText, summaryText } from '../test/conformance/outcome-text.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, all: { type: 'boolean', default: false } },
});
if (backendFolder === null) {
  console.error(
    'the folder of the cases does not exist; CIPHERLOOM_DATA names another data folder',
  );
  process.exit(2);
}
const cases = backendCases(backendFolder).filter(
  ({ title }) => positionals.length === 0 || positionals.some((text) => title.includes(text)),
);
const outcomes = cases.map(runCase);
if (values.json) console.log(JSON.stringify({ outcomes }));
else if (positionals.length > 0) console.log(outcomes.map(detailText).join('\n'));
else console.log(`${listText(outcomes, values.all)}\n\n${summaryText(outcomes)}`);
if (outcomes.some(({ status }) => status === 'failed')) process.exitCode = 1;
