/**
 * Fields of config.json that are not used. Each is known to be harmless, or known to change the network (and
 * refused unless its value switches it off), or unknown: then it is refused if its name suggests the network
 * and its value does not switch it off, and named in a note otherwise. Reasons:
 * docs/decisions/0020-what-config-json-leaves-open.md.
 */
import { listed } from '../../text/quote';
import { ConfigError } from '../base/errors';
import type { ModelType } from './config-families';
import { OTHER } from './config-fields';
import { type JsonObject, own, quote } from './json';

/** Fields read by this reader, in any family. */
const USED = new Set(
  `model_type vocab_size tie_word_embeddings eos_token_id bos_token_id torch_dtype dtype _name_or_path
  hidden_size num_hidden_layers num_attention_heads max_position_embeddings intermediate_size hidden_act`.split(
    /\s+/,
  ),
);
const USED_BY: Readonly<Record<'rotary' | 'gpt2', ReadonlySet<string>>> = {
  rotary: new Set(
    `num_key_value_heads head_dim rms_norm_eps rope_theta rope_scaling rope_parameters attention_bias mlp_bias`.split(
      ' ',
    ),
  ),
  gpt2: new Set(
    `n_embd n_layer n_head n_inner n_positions activation_function layer_norm_epsilon layer_norm_eps`.split(
      ' ',
    ),
  ),
};

/**
 * Fields about training, generation, tokenisation, other heads, or how a program runs rather than what it
 * computes. A sliding window, or the number of layers with one, matters only if `use_sliding_window` or
 * `layer_types` say so, which are checked.
 */
const HARMLESS = new Set(
  `architectures transformers_version use_cache initializer_range pretraining_tp max_window_layers sliding_window is_llama_config n_ctx task_specific_params
  gradient_checkpointing output_hidden_states output_attentions return_dict return_dict_in_generate output_scores id2label
  label2id num_labels problem_type finetuning_task tokenizer_class prefix is_decoder chunk_size_feed_forward torchscript
  use_bfloat16 tf_legacy_loss auto_map _commit_hash _flash_attn_2_enabled use_flash_attn use_flash_attention
  use_flash_attention_2 keys_to_ignore_at_inference model_max_length bad_words_ids begin_suppress_tokens diversity_penalty
  do_sample early_stopping encoder_no_repeat_ngram_size exponential_decay_length_penalty length_penalty max_length min_length max_new_tokens no_repeat_ngram_size num_beam_groups num_beams
  num_return_sequences remove_invalid_values repetition_penalty suppress_tokens temperature top_k top_p typical_p
  tie_encoder_decoder cross_attention_hidden_size reorder_and_upcast_attn base_model_tp_plan base_model_pp_plan
  unsloth_fixed unsloth_version transformers.js_config max_sequence_length`.split(/\s+/),
);
const HARMLESS_NAMES = /^(summary_|_?attn_implementation)|(_pdrop|dropout|dropout_prob|_token_ids?)$/;

/**
 * How published latent-reasoning models make and mark their latents, which does not change what the decoder
 * computes for a text.
 */
const LATENTS = /^(latent_\w*ids?|projector\w*|use_projection|_inserted_LatentThinkingModelSettings)$/;

/** Options that are not implemented, with the values that switch them off besides null and false. */
const NETWORK: Readonly<Record<string, readonly unknown[]>> = {
  add_cross_attention: [],
  alibi: [],
  attention_multiplier: [],
  attn_logit_softcapping: [],
  clip_qkv: [],
  embedding_multiplier: [1],
  final_logit_softcapping: [],
  is_encoder_decoder: [],
  logit_scale: [1],
  logits_scaling: [1],
  num_experts: [0],
  num_local_experts: [0],
  partial_rotary_factor: [1],
  pruned_heads: [],
  qk_layernorm: [],
  quantization_config: [],
  residual_multiplier: [1],
  rope_interleaved: [],
  rotary_pct: [1],
  scale_attn_by_inverse_layer_idx: [],
  scale_attn_weights: [true],
  use_mrope: [],
  use_qk_norm: [],
  use_sliding_window: [],
};
/** GPT-2's scale 1/√d cannot be left out; elsewhere `false` switches an option off. */
const NEVER_FALSE = new Set(['scale_attn_weights']);

/** Words that occur in the names of fields that change a network. */
const SPEAKS_OF_NETWORK =
  /rope|rotary|norm|scal|cap|multiplier|attn|attention|bias|expert|moe|head|window|alibi|act|gate|mlp|residual|embd|embed|hidden|layer|position|parallel|clip|quant|sparse|kv|conv|ssm|mamba|router|mixture|share|latent|recurren|mask|loop|thought|logit|glu|causal|bidirection|prefix_lm|gamma|softmax|dim_model|(?:^|_)mup/i;

/**
 * Switches of what every network here has or lacks, by family: `false` does not leave out an option but changes the network.
 */
const ALWAYS: Readonly<Record<string, { readonly rotary: boolean; readonly gpt2: boolean }>> = {
  is_causal: { rotary: true, gpt2: true },
  causal: { rotary: true, gpt2: true },
  use_causal_mask: { rotary: true, gpt2: true },
  bidirectional: { rotary: false, gpt2: false },
  use_bidirectional_attention: { rotary: false, gpt2: false },
  pre_norm: { rotary: true, gpt2: true },
  norm_first: { rotary: true, gpt2: true },
  do_layer_norm_before: { rotary: true, gpt2: true },
  use_rms_norm: { rotary: true, gpt2: false },
  gated_mlp: { rotary: true, gpt2: false },
  use_glu: { rotary: true, gpt2: false },
  rope: { rotary: true, gpt2: false },
  use_rope: { rotary: true, gpt2: false },
  use_rotary: { rotary: true, gpt2: false },
  rotary: { rotary: true, gpt2: false },
};

const MAX_NAMED = 12;

/** Adds notes on unused fields. @throws ConfigError for a field that changes the network and is not implemented */
export function checkUnused(type: ModelType, json: JsonObject, notes: string[]): void {
  const kind = type === 'gpt2' ? 'gpt2' : 'rotary';
  const used = USED_BY[kind];
  const unknown: string[] = [];
  const latents: string[] = [];
  for (const name of Object.keys(json)) {
    const value = own(json, name);
    if (name === 'layer_types') checkLayerTypes(value ?? []);
    else if (name === 'use_sliding_window' && !slides(json)) continue;
    else if (Object.hasOwn(NETWORK, name)) checkOption(name, value);
    else if (Object.hasOwn(ALWAYS, name)) checkAlways(name, value, ALWAYS[name]?.[kind]);
    else if (USED.has(name) || used.has(name) || HARMLESS.has(name) || HARMLESS_NAMES.test(name)) continue;
    else if (isOff(value)) continue;
    else if (LATENTS.test(name)) latents.push(name);
    else if (SPEAKS_OF_NETWORK.test(name))
      throw new ConfigError(
        `unsupported field ${quote(name)} (${quote(value)}): it is unknown, and its name suggests that it changes the network`,
        'Choose a checkpoint without it. If it has no effect, remove it from config.json.',
      );
    else unknown.push(name);
  }
  if (latents.length > 0)
    notes.push(
      `Fields of config.json about latents, which are made here as a run’s settings say: ${listed(latents.map(quote), MAX_NAMED)}.`,
    );
  if (unknown.length > 0)
    notes.push(
      `Fields of config.json that are unknown and not used: ${listed(unknown.map(quote), MAX_NAMED)}.`,
    );
}

function checkOption(name: string, value: unknown): void {
  const others = NETWORK[name] as readonly unknown[];
  if (value === undefined || value === null || others.includes(value)) return;
  if (isOff(value) && !NEVER_FALSE.has(name)) return;
  const supported = others.length > 0 ? others : [false];
  if (name === 'quantization_config')
    throw new ConfigError(
      'unsupported quantization_config: quantised weights cannot be read; supported: f32, f16, bf16',
      'Choose the unquantised checkpoint.',
    );
  throw new ConfigError(`unsupported ${name} ${quote(value)}; supported: ${supported.join(', ')}`, OTHER);
}

function checkAlways(name: string, value: unknown, always: boolean | undefined): void {
  if (value !== undefined && value !== null && value !== always)
    throw new ConfigError(`unsupported ${name} ${quote(value)}; supported: ${always}`, OTHER);
}

/**
 * Whether a sliding window changes anything: layers before `max_window_layers` have none, unless `layer_types`, which is
 * checked, says so; and a window of all positions leaves nothing out.
 */
function slides(json: JsonObject): boolean {
  const [first, layers, window, positions] = [
    'max_window_layers',
    'num_hidden_layers',
    'sliding_window',
    'max_position_embeddings',
  ].map((name) => own(json, name));
  const isAtLeast = (a: unknown, b: unknown): boolean =>
    typeof a === 'number' && typeof b === 'number' && a >= b;
  return !(
    isAtLeast(first, layers) ||
    isAtLeast(window, positions) ||
    Array.isArray(own(json, 'layer_types'))
  );
}

function checkLayerTypes(types: unknown): void {
  if (!Array.isArray(types) || types.some((type) => type !== 'full_attention'))
    throw new ConfigError(`unsupported layer_types ${quote(types)}; supported: full_attention`, OTHER);
}

/** Null, false and empty values switch an option off. */
function isOff(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
