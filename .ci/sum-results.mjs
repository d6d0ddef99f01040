// Prints "N passed, N failed" from vitest's JSON report and, where there is one, the output of
// `cargo test`; a file that fails to load, or a crate that does not compile, counts as one failure.
import { existsSync, readFileSync } from 'node:fs';

const [vitest, cargo] = process.argv.slice(2);
let passed = 0;
let failed = 0;
try {
  const report = JSON.parse(readFileSync(vitest, 'utf8'));
  passed = report.numPassedTests;
  failed = report.numFailedTests;
  for (const file of report.testResults) {
    const lost =
      file.status === 'failed' && !file.assertionResults.some((t) => t.status === 'failed');
    if (lost) failed += 1;
  }
} catch (error) {
  console.error(`no test report: ${error.message}`);
  failed = Math.max(failed, 1);
}
if (cargo !== undefined && existsSync(cargo)) {
  const text = readFileSync(cargo, 'utf8');
  const results = [...text.matchAll(/^test result: .* (\d+) passed; (\d+) failed;/gm)];
  for (const [, good, bad] of results) {
    passed += Number(good);
    failed += Number(bad);
  }
  if (results.length === 0 || /^error: could not compile/m.test(text)) failed += 1;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
