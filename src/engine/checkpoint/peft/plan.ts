/**
 * Matches the tensors of an adapter_model.safetensors with the model's tensors that they change. The tensors
 * decide which modules are adapted; adapter_config.json must agree, and everything in the file must be
 * understood.
 */
import { listed } from '../../../text/quote';
import { FileError } from '../../base/errors';
import { type Shape, sameShape, showShape } from '../../base/shape';
import { quote } from '../json';
import type { PeftConfig } from './config';
import { endsWith } from './modules';

/** A tensor of the network, as a checkpoint stores it. */
export interface NetworkTensor {
  readonly name: string;
  readonly shape: Shape;
  /** Stored as [in, out]. */
  readonly transposed: boolean;
}

/** The network without the adapter. */
export interface AdaptedNetwork {
  readonly tensors: readonly NetworkTensor[];
  /** Names of the embedding's weight and of the head's, which is given even if tied to the embedding. */
  readonly embedding: string;
  readonly head: string;
  readonly tied: boolean;
}

/** Names of tensors in the adapter's file. `target` is the name of the network's tensor. */
export interface AdapterPlan {
  /** ΔW = scale·B·A in the order [out, in], A [r, in], B [out, r]. */
  readonly lora: readonly {
    readonly target: string;
    readonly a: string;
    readonly b: string;
    readonly rank: number;
    readonly scale: number;
  }[];
  /** Biases that B's scaled bias is added to. */
  readonly added: readonly { readonly target: string; readonly tensor: string; readonly scale: number }[];
  /** Tensors that are replaced completely. */
  readonly replaced: readonly { readonly target: string; readonly tensor: string }[];
  /** Rows that are replaced: row i of the tensor replaces row `rows[i]`. */
  readonly rows: readonly {
    readonly target: string;
    readonly tensor: string;
    readonly rows: readonly number[];
  }[];
  /** Number of rows in embedding and head, possibly more than the base's. */
  readonly vocabSize: number;
  /** Whether embedding and head are still one tensor; if not, and the head is not replaced, it is the base's embedding. */
  readonly tied: boolean;
  readonly notes: readonly string[];
}

export type AdapterTensors = ReadonlyMap<string, { readonly shape: Shape }>;

const OTHER = 'Get adapter and base from where they were published: they must belong together.';
const PREFIX = 'base_model.model.';

/** Kinds of tensors that are not implemented, by the endings of their names. */
const UNSUPPORTED: readonly (readonly [RegExp, string])[] = [
  [/\.lora_magnitude_vector(\.weight)?$/, 'DoRA (use_dora)'],
  [/\.lora_embedding_[AB]$/, 'LoRA on an embedding'],
  [/\.(prompt_embeddings|ia3_l|hada_|lokr_|vera_|oft_)/, 'another kind of adapter'],
];

/** The module of the tensor `{module}.weight` or `{module}.bias`. */
const moduleOf = (name: string): string => name.replace(/\.(weight|bias)$/, '');

/** @throws FileError naming the tensor that is missing, superfluous, or of another shape */
export function planAdapter(config: PeftConfig, found: AdapterTensors, network: AdaptedNetwork): AdapterPlan {
  return new Planner(config, found, network).plan();
}

class Planner {
  private readonly lora: AdapterPlan['lora'][number][] = [];
  private readonly added: AdapterPlan['added'][number][] = [];
  private readonly replaced: AdapterPlan['replaced'][number][] = [];
  private readonly rows: AdapterPlan['rows'][number][] = [];
  private readonly notes: string[] = [];
  private readonly byName: ReadonlyMap<string, NetworkTensor>;
  /** The prefix of the body's names: `model.`, `transformer.`. */
  private readonly body: string;
  private vocabSize: number;

  constructor(
    private readonly config: PeftConfig,
    private readonly found: AdapterTensors,
    private readonly network: AdaptedNetwork,
  ) {
    const { tensors, embedding, head } = network;
    this.byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
    this.body = embedding.slice(0, embedding.indexOf('.') + 1);
    const size = this.byName.get(embedding)?.shape ?? [0, 0];
    if (!this.byName.has(head))
      this.byName = new Map([...this.byName, [head, { name: head, shape: size, transposed: false }]]);
    this.vocabSize = size[0] as number;
  }

  plan(): AdapterPlan {
    const pairs = new Map<string, { A?: string; B?: string; bias?: string }>();
    for (const name of this.found.keys()) {
      const path = this.pathOf(name);
      const [, module, part, kind] = /^(.+)\.lora_(A|B)(?:\.default)?\.(weight|bias)$/.exec(path) ?? [];
      if (module !== undefined && (part === 'B' || kind === 'weight')) {
        const pair = pairs.get(module) ?? {};
        pairs.set(module, { ...pair, [kind === 'bias' ? 'bias' : (part as 'A' | 'B')]: name });
      } else this.other(name, path);
    }
    for (const [module, pair] of pairs) this.pair(module, pair);
    if (this.lora.length + this.replaced.length + this.rows.length === 0)
      throw new FileError('the adapter’s file contains no adapter tensors', OTHER);
    this.checkTargets();
    this.checkBiases();
    this.checkSaved();
    const tied = this.settleHead();
    this.checkVocabulary(tied);
    const { lora, added, replaced, rows, vocabSize, notes } = this;
    return { lora, added, replaced, rows, vocabSize, tied, notes };
  }

  private pathOf(name: string): string {
    const kind = UNSUPPORTED.find(([pattern]) => pattern.test(name))?.[1];
    if (kind !== undefined)
      throw new FileError(
        `the adapter has ${kind}, which is not implemented (${quote(name)})`,
        'Merge it into its base in Python (merge_and_unload in PEFT), and open the merged checkpoint.',
      );
    return name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
  }

  /** The network's tensor `{path}.weight` or `.bias`; the adapter may have been trained on only the body. */
  private tensor(path: string): NetworkTensor | undefined {
    return this.byName.get(path) ?? this.byName.get(this.body + path);
  }

  private pair(module: string, { A, B, bias }: { A?: string; B?: string; bias?: string }): void {
    if (A === undefined || B === undefined)
      throw new FileError(
        `the adapter has lora_${A === undefined ? 'B' : 'A'} of ${quote(module)} and no lora_${A === undefined ? 'A' : 'B'}`,
        OTHER,
      );
    const target = this.tensor(`${module}.weight`);
    if (target?.shape.length !== 2)
      throw new FileError(
        `the adapter adapts ${quote(module)}, which the base model does not have; it has ${listed(
          [...this.byName.keys()].filter((name) => /\.0\..*\.weight$/.test(name)).map(quote),
          4,
        )}`,
        OTHER,
      );
    const { rules } = this.config;
    if (rules.named && !rules.isTarget(module))
      throw new FileError(
        `the adapter’s file adapts ${quote(module)}, which target_modules of adapter_config.json does not name`,
        'Both files must belong to the same adapter: get them again.',
      );
    const [first, second] = target.shape as readonly [number, number];
    const [out, width] = target.transposed ? [second, first] : [first, second];
    const rank = rules.rankOf(module);
    this.checkShape(A, [rank, width]);
    this.checkShape(B, [out, rank]);
    const scale = rules.scaleOf(module);
    this.lora.push({ target: target.name, a: A, b: B, rank, scale });
    if (bias !== undefined) this.addBias(module, bias, out, scale);
  }

  private addBias(module: string, tensor: string, out: number, scale: number): void {
    if (!this.config.loraBias)
      throw new FileError(`the adapter holds ${quote(tensor)}, and lora_bias is false`, OTHER);
    const target = this.tensor(`${module}.bias`);
    if (!target)
      throw new FileError(
        `the adapter adds a bias to ${quote(module)} (lora_bias), which has none in this model`,
        'Such an adapter cannot be merged; use one without lora_bias.',
      );
    this.checkShape(tensor, [out]);
    this.added.push({ target: target.name, tensor, scale });
  }

  private checkShape(name: string, expected: Shape): void {
    const shape = this.found.get(name)?.shape ?? [];
    if (!sameShape(shape, expected))
      throw new FileError(
        `the adapter’s tensor ${quote(name)} is ${showShape(shape)}; adapter_config.json and the base make it ${showShape(expected)}`,
        OTHER,
      );
  }

  /** A tensor other than a LoRA factor: replaced modules, biases, rows of embeddings. */
  private other(name: string, path: string): void {
    const [, module] = /^(.+)\.token_adapter\.trainable_tokens_delta$/.exec(path) ?? [];
    if (module !== undefined) {
      this.tokenRows(name, module);
      return;
    }
    const plain = path.replace(
      /\.(token_adapter\.base_layer|base_layer|modules_to_save(\.default)?)\.(weight|bias)$/,
      '.$3',
    );
    const target = this.tensor(plain);
    if (target === undefined || !this.mayReplace(target, plain))
      throw new FileError(
        `the adapter holds ${quote(name)}, which is ${target ? 'not among its target_modules and modules_to_save' : 'no part of the base model'}`,
        `${OTHER} Options that need such a tensor are not implemented.`,
      );
    const shape = this.found.get(name)?.shape ?? [];
    if (!this.isVocabulary(target.name)) this.checkShape(name, target.shape);
    else if (shape.length !== 2 || shape[1] !== target.shape[1]) this.checkShape(name, target.shape);
    this.replaced.push({ target: target.name, tensor: name });
  }

  private isVocabulary(name: string): boolean {
    return name === this.network.embedding || name === this.network.head;
  }

  private mayReplace(target: NetworkTensor, plain: string): boolean {
    // PEFT stores embedding and head if the vocabulary may have grown.
    if (this.isVocabulary(target.name)) return true;
    if (plain.endsWith('.bias') && this.config.bias !== 'none') return true;
    const module = moduleOf(plain);
    return this.config.modulesToSave.some((name) => endsWith(module, name));
  }

  private tokenRows(name: string, module: string): void {
    const target = this.tensor(`${module}.weight`);
    if (!target || !this.isVocabulary(target.name))
      throw new FileError(
        `the adapter replaces rows of ${quote(module)}, which is not an embedding of the base model`,
        OTHER,
      );
    const own = [...this.config.tokenRows].find(([ending]) => ending !== '' && endsWith(module, ending));
    const rows = own?.[1] ?? this.config.tokenRows.get('') ?? this.headRows(target.name);
    if (rows === undefined)
      throw new FileError(
        `the adapter replaces rows of ${quote(module)}; trainable_token_indices of adapter_config.json does not say which`,
        OTHER,
      );
    this.checkShape(name, [rows.length, target.shape[1] as number]);
    this.rows.push({ target: target.name, tensor: name, rows });
  }

  /** A tied head's replaced rows are those of the embedding. */
  private headRows(target: string): readonly number[] | undefined {
    if (target !== this.network.head || !this.network.tied) return undefined;
    return [...this.config.tokenRows.values()][0];
  }

  /** Checks for targets without tensors, which PEFT would silently leave as they are. */
  private checkTargets(): void {
    const { rules } = this.config;
    if (!rules.named) {
      this.notes.push(
        'adapter_config.json does not name its target_modules; they are taken from the tensors.',
      );
      return;
    }
    const adapted = new Set(this.lora.map(({ target }) => target));
    const missing = this.network.tensors.filter(({ name, shape }) => {
      if (!name.endsWith('.weight') || shape.length !== 2 || this.isVocabulary(name) || adapted.has(name))
        return false;
      const path = name.slice(0, -'.weight'.length);
      return !/(^|\.)wpe$/.test(path) && rules.isTarget(path);
    });
    if (missing.length > 0)
      throw new FileError(
        `adapter_config.json names target modules of which the adapter’s file has no tensors: ${listed(
          missing.map(({ name }) => quote(name)),
          3,
        )}`,
        'The file belongs to another adapter, or is incomplete: get both again.',
      );
  }

  private checkBiases(): void {
    const { bias } = this.config;
    if (bias === 'none') return;
    const adapted = new Set(this.lora.map(({ target }) => target.replace(/\.weight$/, '.bias')));
    const wanted = this.network.tensors.filter(
      ({ name }) => name.endsWith('.bias') && (bias === 'all' || adapted.has(name)),
    );
    const there = new Set(this.replaced.map(({ target }) => target));
    const missing = wanted.filter(({ name }) => !there.has(name));
    if (missing.length > 0)
      throw new FileError(
        `the adapter was trained with its biases (bias: ${bias}), and its file lacks ${missing.length} of ${wanted.length}: ${listed(
          missing.map(({ name }) => quote(name)),
          3,
        )}`,
        'Some versions of PEFT do not save them: merge the adapter where it was trained.',
      );
  }

  /** Checks that a completely saved module is complete. */
  private checkSaved(): void {
    const there = new Set(this.replaced.map(({ target }) => target));
    for (const module of this.config.modulesToSave) {
      const own = [...this.byName.keys()].filter((name) => endsWith(moduleOf(name), module));
      const missing = own.filter((name) => !there.has(name));
      if (own.length === 0 || missing.length > 0)
        throw new FileError(
          own.length === 0
            ? `modules_to_save of adapter_config.json names ${quote(module)}, which the base model does not have`
            : `modules_to_save of adapter_config.json names ${quote(module)}, and the adapter’s file lacks ${quote(missing[0])}`,
          OTHER,
        );
    }
  }

  /** @returns whether embedding and head stay one tensor */
  private settleHead(): boolean {
    const { embedding, head, tied } = this.network;
    if (!tied) return false;
    const named = (name: string): boolean =>
      this.config.modulesToSave.some((one) => endsWith(name, `${one}.weight`));
    // A completely saved module is a separate copy; a change of rows, or of the vocabulary's size, affects both.
    if (!this.config.keepsTie && (named(embedding) || named(head))) return false;
    const isHead = ({ target }: { readonly target: string }): boolean => target === head;
    const copies = [...this.replaced.filter(isHead), ...this.rows.filter(isHead)];
    if (copies.length > 0 && !this.touches(embedding))
      throw new FileError(
        `the adapter changes the head alone (${quote(copies[0]?.tensor)}), which config.json ties to the embedding`,
        OTHER,
      );
    for (const list of [this.replaced, this.rows])
      for (let i = list.length - 1; i >= 0; i--) if (isHead(list[i] as { target: string })) list.splice(i, 1);
    for (const { tensor } of copies)
      this.notes.push(`${quote(tensor)} is ignored: the head is the embedding, whose own tensor counts.`);
    return true;
  }

  private touches(name: string): boolean {
    return [...this.replaced, ...this.rows].some(({ target }) => target === name);
  }

  /** Checks that embedding and head have the same number of rows, and that every one is given. */
  private checkVocabulary(tied: boolean): void {
    const { embedding, head } = this.network;
    const base = this.vocabSize;
    const sizeOf = (name: string): number => {
      const whole = this.replaced.find(({ target }) => target === name);
      const size = whole ? ((this.found.get(whole.tensor)?.shape[0] ?? base) as number) : base;
      const further = new Set(
        this.rows
          .filter(({ target }) => target === name)
          .flatMap(({ rows }) => rows.filter((row) => row >= size)),
      );
      const end = size + further.size;
      if ([...further].some((row) => row >= end))
        throw new FileError(
          `the adapter replaces rows beyond the ${size} of ${quote(name)}, and not all of those between`,
          OTHER,
        );
      return end;
    };
    this.vocabSize = sizeOf(embedding);
    const rows = tied ? this.vocabSize : sizeOf(head);
    if (rows !== this.vocabSize)
      throw new FileError(
        `with the adapter, the embedding has ${this.vocabSize} rows and the head ${rows}`,
        OTHER,
      );
    if (this.vocabSize !== base)
      this.notes.push(`The adapter’s embedding has ${this.vocabSize} rows, the base’s ${base}.`);
  }
}
