import { verdictSentence, type Verdict } from './verdicts.ts';

/**
 * The verdicts as JUnit XML: one test case a limit, those that do not hold as failures.
 *
 * Source  the schema of the JUnit XML that Jenkins reads
 */
export function junitXml(
  verdicts: readonly Verdict[],
  plan: { readonly name: string; readonly planHash: string },
  at: Date,
): string {
  const cases = verdicts.map((verdict) => {
    const { kind, name, met } = verdict;
    const text = verdictSentence(verdict);
    const head = `    <testcase classname=${quoted(`cipherloom.check.${kind}`)} name=${quoted(name)} time="0"`;
    return met
      ? `${head}/>`
      : `${head}>\n      <failure type="BUDGET_MISSED" message=${quoted(text)}>${escaped(text)}</failure>\n    </testcase>`;
  });
  const failures = verdicts.filter(({ met }) => !met).length;
  const timestamp = at.toISOString().slice(0, 19);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    `  <testsuite id="0" package="cipherloom.check" name=${quoted(plan.name)} hostname="localhost" timestamp="${timestamp}" tests="${verdicts.length}" failures="${failures}" errors="0" time="0">`,
    `    <properties><property name="planHash" value=${quoted(plan.planHash)}/></properties>`,
    ...cases,
    '    <system-out/>',
    '    <system-err/>',
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function quoted(text: string): string {
  return `"${escaped(text).replaceAll('"', '&quot;').replaceAll(/\s/g, ' ')}"`;
}

/** Characters that XML 1.0 cannot hold at all become U+FFFD. */
function escaped(text: string): string {
  return text
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
