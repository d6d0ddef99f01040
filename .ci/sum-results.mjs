// Prints "N passed, N failed" from vitest's JSON report; a file that fails to load counts as one failure.
import { readFileSync } from 'node:fs';

let passed = 0;
let failed = 0;
try {
  const report = JSON.parse(readFileSync(process.argv[2], 'utf8'));
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
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
