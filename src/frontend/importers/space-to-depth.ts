import { z } from 'zod';
import { attribute, defineImporter } from '../define-importer.ts';
import { blockOf } from '../families/blocks.ts';

export default defineImporter({
  operator: 'SpaceToDepth',
  summary: 'Blocks of rows and columns gathered into channels.',
  inputs: [{ name: 'input', doc: '[batch, channels, rows, columns]', form: 'data' }],
  attributes: { blocksize: attribute(z.int().positive(), 'extent of a block') },
  lowersTo: '`nn.reshape` and `nn.transpose`, which fuse-linear composes with its neighbours.',
  import(context) {
    const { blocksize: block } = context.attributes;
    const { x, batch, channels, rows, columns } = blockOf(context);
    if (rows % block !== 0 || columns % block !== 0) {
      context.invalid(`${rows} × ${columns} elements have no blocks of ${block}`, { block });
    }
    const [high, wide] = [rows / block, columns / block];
    const apart = context.add('nn.reshape', [x], {
      shape: [batch, channels, high, block, wide, block],
    });
    const mixed = context.add('nn.transpose', [apart], { permutation: [0, 3, 5, 1, 2, 4] });
    return context.add('nn.reshape', [mixed], {
      shape: [batch, channels * block ** 2, high, wide],
    });
  },
});
