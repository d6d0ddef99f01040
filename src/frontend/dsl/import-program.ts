/** Programs in the place of models. */
import { createHash } from 'node:crypto';
import { CipherloomError } from '../../errors.ts';
import { printProgram } from '../../ir/print.ts';
import type { Program } from '../../ir/program.ts';
import type { ImportedModel, ModelExamination, UnsupportedPart } from '../import-onnx.ts';
import { programBrand } from './define-program.ts';
import type { BuildRequest, DefinedProgram } from './define-program.ts';
import { programFault } from './load-program.ts';

export function isDefinedProgram(value: unknown): value is DefinedProgram {
  return typeof value === 'object' && value !== null && programBrand in value;
}

/** Run the function of a program. Throws PROGRAM_INVALID and others, naming the line. */
export function importProgram(
  definition: DefinedProgram,
  { inputRanges = {}, inputShapes = {} }: BuildRequest,
): ImportedModel {
  try {
    const { program, warnings } = definition.build({ inputRanges, inputShapes });
    const operators = program.operations
      .filter(({ op }) => op !== 'nn.input')
      .map(({ op, location }) => ({
        name: location ?? definition.name,
        op: op.replace(/^nn\./, ''),
      }));
    return { program, warnings, unsupported: [], labels: null, operators };
  } catch (error) {
    throw programFault(definition, error);
  }
}

/** Import a program; what cannot be compiled is listed, not thrown. */
export function examineProgram(
  definition: DefinedProgram,
  request: BuildRequest,
): ModelExamination {
  try {
    return importProgram(definition, request);
  } catch (error) {
    if (!(error instanceof CipherloomError) || error.code !== 'MODEL_UNSUPPORTED') throw error;
    const unsupported = error.details['nodes'] as readonly UnsupportedPart[];
    return { program: null, warnings: [], unsupported, labels: null, operators: [] };
  }
}

/**
 * SHA-256 of what a program says, hex: its text, in which large constants stand by their own hash.
 *
 * Lines count (they are locations), the folder does not.
 */
export function digestProgram(program: Program): string {
  return createHash('sha256').update(printProgram(program)).digest('hex');
}
