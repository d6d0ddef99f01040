import { CipherloomError } from '../../errors.ts';
import { printProgram } from '../../ir/print.ts';
import type { Program } from '../../ir/program.ts';
import { verify } from '../../ir/verify.ts';
import type { Pass, PassNote } from '../../passes/define-pass.ts';
import { passes } from '../../passes/index.ts';
import { compileOptionsSchema } from '../../passes/options.ts';
import { calibrationOptions, readCalibration } from '../calibration.ts';
import { compilerOptions, givenCompileOptions } from '../compile-options.ts';
import { defineCommand } from '../define-command.ts';
import { readIrFile, writeIrFile } from '../ir-files.ts';
import { filePath, nameList } from '../option-schemas.ts';
import { checkOutputFile } from '../output-file.ts';
import { requirePassName } from '../pass-names.ts';
import { tensorInputs } from '../program-inputs.ts';
import { outputOption } from '../shared-options.ts';

/** Where neither the program nor the command line says; the compiler tries several. */
const defaultRingDegree = 16384;

export default defineCommand({
  name: 'opt',
  summary: 'Run passes on a program in text form, and print what they make.',
  positional: { file: { describe: 'IR text, as compile --dump-ir writes it' } },
  options: {
    passes: {
      value: 'P,…',
      schema: nameList().default([]),
      describe: 'passes to run, in this order; none: read, verify and print',
    },
    constants: {
      value: 'FILE',
      schema: filePath().optional(),
      describe: 'its large constants; default constants.bin beside it',
    },
    output: {
      ...outputOption,
      value: 'FILE.ir',
      schema: outputOption.schema.optional(),
      describe: 'write the program here, its constants beside it, instead of printing it',
    },
    ...calibrationOptions,
    ...compilerOptions,
  },
  examples: [
    {
      command: 'cipherloom opt ir/09-fuse-linear.ir --passes choose-packing,lower-linear',
      does: 'the packed program of a dumped one',
    },
    {
      command: 'cipherloom opt ir/01-fold-constants.ir',
      does: 'read, verify and print: the same text again',
    },
  ],
  async run(args, io) {
    for (const name of args.passes) requirePassName(name, '--passes');
    if (args.output !== undefined) checkOutputFile(args.output, { inputs: [args.file] });
    let program = readIrFile(args.file, args.constants);
    const given = givenCompileOptions(args);
    const options = compileOptionsSchema.parse(given);
    const calibration = await readCalibration(args, tensorInputs(program));
    const notes: { readonly pass: string; readonly notes: readonly PassNote[] }[] = [];
    for (const name of args.passes) {
      const pass = passes.find((each) => each.name === name)!;
      io.progress.step(name);
      const facts: PassNote[] = [];
      program = runPass(pass, program, {
        options,
        ringDegree: options.ringDegree ?? ringDegreeOf(program) ?? defaultRingDegree,
        calibration,
        warn: (warning) => {
          io.warn(warning);
        },
        note: (fact) => facts.push(fact),
      });
      notes.push({ pass: name, notes: facts });
    }
    if (args.output !== undefined) writeIrFile(args.output, program, [args.file]);
    const text = printProgram(program);
    return {
      json: { file: args.file, output: args.output ?? null, ir: text, notes },
      text: args.output === undefined ? text : '',
    };
  },
});

/** A pass may be given a program that it does not expect: say which one was refused. */
function runPass(pass: Pass, program: Program, context: Parameters<Pass['run']>[1]): Program {
  try {
    const result = pass.run(program, context);
    verify(result);
    return result;
  } catch (error) {
    if (!(error instanceof CipherloomError) || error.code !== 'INTERNAL') throw error;
    throw new CipherloomError(
      'IR_INVALID',
      `${pass.name} cannot run on this program: ${error.message}`,
      {
        phase: pass.phase,
        node: error.node ?? pass.name,
        details: { pass: pass.name, phase: pass.phase },
        hint: 'cipherloom passes lists the passes in the order in which they run',
        cause: error,
      },
    );
  }
}

/** Twice the slots of its layouts; null for a program on tensors. */
function ringDegreeOf({ modulus, operations }: Program): number | null {
  if (modulus !== null) return modulus.ringDegree;
  for (const { type } of operations) if (type.kind !== 'tensor') return type.layout.slots * 2;
  return null;
}
