/**
 * Layouts of published latent-reasoning checkpoints, recognised by the names of their tensors: which tensors
 * are the model, which an unmerged adapter, which make thoughts, and which serve only training. Any other
 * tensor is refused.
 */
import { listed } from '../../../text/quote';
import { FileError } from '../../base/errors';
import { quote } from '../json';

/** The parts of a perceptron with LayerNorm, such as a projection or a recurrent filter. */
export type PerceptronPart = `${'in' | 'out' | 'norm'}.${'weight' | 'bias'}`;

export type TensorRole =
  /** Part of the model, under the name that transformers gives it. */
  | { readonly kind: 'weight'; readonly name: string }
  /** A LoRA factor of the tensor with that name. */
  | { readonly kind: 'A' | 'B'; readonly name: string }
  /** A part of the function that makes the next thought. */
  | { readonly kind: 'thoughts'; readonly part: PerceptronPart }
  | { readonly kind: 'aside'; readonly why: string };

export type LayoutId = 'codi' | 'coconut' | 'adaptive';

export interface Layout {
  readonly id: LayoutId;
  /** Its name in messages. */
  readonly name: string;
  roleOf(tensor: string): TensorRole | undefined;
}

const weight = (name: string): TensorRole => ({ kind: 'weight', name });
const aside = (why: string): TensorRole => ({ kind: 'aside', why });

/** CODI's `prj`: Dropout, Linear (1), GELU, Linear (3), and a LayerNorm `ln`. */
const PROJECTION: Readonly<Record<string, 'in' | 'out' | 'norm'>> = { '1': 'in', '3': 'out', ln: 'norm' };
/** Adaptive latent reasoning's filter in mode MLP. */
const FILTER: Readonly<Record<string, 'in' | 'out' | 'norm'>> = {
  input_layer: 'in',
  output_layer: 'out',
  norm: 'norm',
};

function thoughts(
  name: string,
  prefix: string,
  parts: Readonly<Record<string, 'in' | 'out' | 'norm'>>,
): TensorRole | undefined {
  if (!name.startsWith(prefix)) return undefined;
  const [part = '', end, ...more] = name.slice(prefix.length).split('.');
  const own = Object.hasOwn(parts, part) ? parts[part] : undefined;
  if (own === undefined || more.length > 0 || (end !== 'weight' && end !== 'bias')) return undefined;
  return { kind: 'thoughts', part: `${own}.${end}` };
}

const SIM_COT =
  'the decoder that SIM-CoT supervises thoughts with while it trains; answering does not use it';

/** CODI (also SIM-CoT’s): the whole state dict of its module, as Trainer saves it. `prefix` is the model's. */
function codi(prefix: 'codi.' | 'coconut.', hasLora: boolean): Layout {
  const own = hasLora ? `${prefix}base_model.model.` : prefix;
  return {
    id: 'codi',
    name: `CODI’s layout (${hasLora ? `LoRA that is not merged, under ${quote(own)}` : `whole weights, under ${quote(own)}`})`,
    roleOf: (tensor) => {
      if (/^(decoder|pj_in|pj_out)\./.test(tensor)) return aside(SIM_COT);
      const made = thoughts(tensor, 'prj.', PROJECTION);
      if (made) return made;
      if (!tensor.startsWith(own)) return undefined;
      const name = tensor.slice(own.length);
      if (!hasLora) return weight(name);
      const [, module, factor] = /^(.+)\.lora_([AB])\.default\.weight$/.exec(name) ?? [];
      if (module !== undefined) return { kind: factor as 'A' | 'B', name: `${module}.weight` };
      // PEFT up to 0.6 has no base_layer.
      if (/(^|\.)(lora_|modules_to_save)/.test(name)) return undefined;
      return weight(name.replace(/\.base_layer\.(weight|bias)$/, '.$1'));
    },
  };
}

const COCONUT: Layout = {
  id: 'coconut',
  name: 'Coconut’s layout (the model under "base_causallm.")',
  roleOf: (tensor) => {
    if (tensor.startsWith('base_causallm.')) return weight(tensor.slice('base_causallm.'.length));
    // Spelled this way in the releases.
    if (tensor.startsWith('expainable_llm.')) return aside(SIM_COT);
    return tensor === 'embedding.weight' ? aside('a copy of the embedding') : undefined;
  },
};

const ADAPTIVE: Layout = {
  id: 'adaptive',
  name: 'adaptive latent reasoning’s layout (the model under "_base_model.", "recurrent_filter.")',
  roleOf: (tensor) => {
    if (tensor.startsWith('_base_model.')) return weight(tensor.slice('_base_model.'.length));
    // A tied head may be written without the prefix.
    if (tensor === 'lm_head.weight') return weight(tensor);
    return thoughts(tensor, 'recurrent_filter.', FILTER);
  },
};

/** The layout of these tensors, or undefined for a plain model's. */
export function recogniseLayout(tensors: Iterable<string>): Layout | undefined {
  const names = [...tensors];
  const some = (prefix: string): boolean => names.some((name) => name.startsWith(prefix));
  for (const prefix of ['codi.', 'coconut.'] as const)
    if (some(prefix)) return codi(prefix, some(`${prefix}base_model.model.`));
  if (some('base_causallm.')) return COCONUT;
  return some('_base_model.') ? ADAPTIVE : undefined;
}

/** The tensors of a checkpoint by their roles. */
export interface SortedTensors<T> {
  readonly weights: ReadonlyMap<string, T>;
  /** By the name of the tensor that they modify. */
  readonly lora: ReadonlyMap<string, { readonly a: T; readonly b: T }>;
  readonly thoughts: ReadonlyMap<PerceptronPart, T>;
  readonly notes: readonly string[];
}

const OTHER = 'Open the checkpoint as it was published; other layouts are not read.';

/** @throws FileError naming tensors outside the layout, and factors without their counterpart */
export function sortTensors<T>(layout: Layout, found: ReadonlyMap<string, T>): SortedTensors<T> {
  const weights = new Map<string, T>();
  const factors = new Map<string, { A?: T; B?: T }>();
  const made = new Map<PerceptronPart, T>();
  const left = new Map<string, string[]>();
  const unknown: string[] = [];
  for (const [tensor, place] of found) {
    const role = layout.roleOf(tensor);
    if (!role) unknown.push(tensor);
    else if (role.kind === 'weight') {
      if (weights.has(role.name))
        throw new FileError(`two tensors are ${quote(role.name)}, one of them ${quote(tensor)}`, OTHER);
      weights.set(role.name, place);
    } else if (role.kind === 'aside') left.set(role.why, [...(left.get(role.why) ?? []), tensor]);
    else if (role.kind === 'thoughts') made.set(role.part, place);
    else factors.set(role.name, { ...factors.get(role.name), [role.kind]: place });
  }
  if (unknown.length > 0)
    throw new FileError(
      `the weights are in ${layout.name}, and hold ${unknown.length} tensors that it does not have: ${listed(unknown.map(quote), 3)}`,
      OTHER,
    );
  const lora = new Map(
    [...factors].map(([name, { A, B }]) => {
      if (A === undefined || B === undefined)
        throw new FileError(`${quote(name)} has one LoRA factor without the other`, OTHER);
      return [name, { a: A, b: B }] as const;
    }),
  );
  const notes = [...left].map(
    ([why, names]) =>
      `${names.length} ${names.length === 1 ? 'tensor is' : 'tensors are'} ignored (${quote(names[0])}${names.length > 1 ? ', …' : ''}): ${why}.`,
  );
  return { weights, lora, thoughts: made, notes };
}
