/** Choose the rotation keys: exactly the steps used, each trimmed to its highest level. */
import { invariant } from '../errors.ts';
import { rotationKeys } from '../ir/ckks/rotation-keys.ts';
import { rewriteProgram } from '../ir/build.ts';
import { methodSchema } from '../ir/packed/linear.ts';
import type { Program } from '../ir/program.ts';
import { definePass } from './define-pass.ts';
import { isEnabled } from './optimisations.ts';
import { refuseKeyBytes } from './rotations/refuse-key-bytes.ts';
import { programKeyBytes } from './rotations/program-key-bytes.ts';

export default definePass({
  name: 'choose-rotations',
  summary: 'List the evaluation keys, each trimmed to the highest level at which it is used.',
  phase: 'ckks',
  run(given, context) {
    const program = isEnabled(context.options, 'trim-keys') ? given : withWholeKeys(given);
    invariant(program.modulus !== null, 'keys are chosen once the modulus is');
    const keys = rotationKeys(program);
    const keyBytes = programKeyBytes(program.modulus, keys);
    context.note({ kind: 'figure', name: 'rotationKeys', value: keys.rotations.length });
    context.note({ kind: 'figure', name: 'keyBytes', value: keyBytes });
    const { maxKeyBytes } = context.options;
    if (maxKeyBytes !== null && keyBytes > maxKeyBytes) {
      refuseKeyBytes(keyBytes, maxKeyBytes, program.modulus.ringDegree);
    }
    return program;
  },
});

/** Every linear map asks for rotation keys of the whole chain. */
function withWholeKeys(program: Program): Program {
  return rewriteProgram(program, ({ op, attributes, type, location, operands }, _id, rewriter) => {
    if (op !== 'ckks.linear') return rewriter.keep();
    const method = { ...methodSchema.parse(attributes['method']), wholeKeys: true };
    return rewriter.builder.add(
      op,
      operands.map(rewriter.mapped),
      { ...attributes, method },
      { location, range: type.range },
    );
  });
}
