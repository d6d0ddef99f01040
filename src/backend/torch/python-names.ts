/** Names of Python for nodes and tensors of a model, whose own names may be any string. */

const longest = 40;

/** Keywords of Python 3, and what every module here uses. */
const taken: readonly string[] = [
  ...'False None True and as assert async await break class continue def del elif else except'.split(
    ' ',
  ),
  ...'finally for from global if import in is lambda nonlocal not or pass raise return try'.split(
    ' ',
  ),
  ...'while with yield match case type np torch nn F Path Network Polynomial'.split(' '),
  ...'self w weights export_onnx range_penalty'.split(' '),
  // Members of torch.nn.Module, which an attribute must not hide.
  ...'add_module answer apply bfloat16 buffers call_super_init children compile cpu cuda double'.split(
    ' ',
  ),
  ...'dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter'.split(
    ' ',
  ),
  ...'get_submodule half ipu load_state_dict modules mtia named_buffers named_children'.split(' '),
  ...'named_modules named_parameters parameters register_buffer register_module'.split(' '),
  ...'register_parameter requires_grad_ set_extra_state set_submodule share_memory'.split(' '),
  ...'state_dict to to_empty training type xpu zero_grad'.split(' '),
];

/**
 * A function from any text to an identifier that no earlier call gave: `/conv1/Conv` -> `conv1_conv`.
 *
 * `fallback` stands in where no ASCII letter or digit is left.
 */
export function pythonNames(): (text: string, fallback: string) => string {
  const used = new Set(taken);
  return (text, fallback) => {
    const words = text.slice(0, 4 * longest).match(/[A-Za-z0-9]+/g) ?? [];
    const joined = words.join('_').toLowerCase().slice(0, longest) || fallback;
    const base = /^[0-9]/.test(joined) ? `${fallback}_${joined}` : joined;
    let name = base;
    for (let n = 2; used.has(name); n++) name = `${base}_${n}`;
    used.add(name);
    return name;
  };
}
