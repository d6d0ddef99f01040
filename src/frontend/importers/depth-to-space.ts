import { z } from 'zod';
import { attribute, defineImporter } from '../define-importer.ts';
import { blockOf } from '../families/blocks.ts';

export default defineImporter({
  operator: 'DepthToSpace',
  summary: 'Groups of channels spread over blocks of rows and columns.',
  inputs: [{ name: 'input', doc: '[batch, channels, rows, columns]', form: 'data' }],
  attributes: {
    blocksize: attribute(z.int().positive(), 'extent of a block'),
    mode: attribute(
      z.enum(['DCR', 'CRD']).default('DCR'),
      'whether the place in the block or the new channel is the outer part of a channel',
      { since: 11 },
    ),
  },
  lowersTo: '`nn.reshape` and `nn.transpose`, which fuse-linear composes with its neighbours.',
  import(context) {
    const { blocksize: block, mode } = context.attributes;
    const { x, batch, channels, rows, columns } = blockOf(context);
    if (channels % block ** 2 !== 0) {
      context.invalid(`${channels} channels are no multiple of ${block}²`, { channels, block });
    }
    const depth = channels / block ** 2;
    const columnRow = mode === 'DCR';
    const apart = context.add('nn.reshape', [x], {
      shape: columnRow
        ? [batch, block, block, depth, rows, columns]
        : [batch, depth, block, block, rows, columns],
    });
    const mixed = context.add('nn.transpose', [apart], {
      permutation: columnRow ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3],
    });
    return context.add('nn.reshape', [mixed], {
      shape: [batch, depth, rows * block, columns * block],
    });
  },
});
