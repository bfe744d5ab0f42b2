/**
 * adapter_config.json of a PEFT folder → what it says about the adapter's mathematics. Options that change
 * what is computed are honoured or refused by name; those about training and about how a program runs are
 * ignored.
 */
import { listed } from '../../../text/quote';
import { ConfigError } from '../../base/errors';
import { isJsonObject, type JsonObject, own, quote } from '../json';
import { FIX, flag, type ModuleRules, moduleRules } from './modules';

export type BiasRule = 'none' | 'all' | 'lora_only';

/** One LoRA adapter: ΔW = s·B·A on each linear it names. */
export interface PeftConfig {
  /** The model it was trained on, as named in the file; undefined if it is not. */
  readonly baseName: string | undefined;
  readonly rules: ModuleRules;
  readonly bias: BiasRule;
  /** Whether B has a bias. */
  readonly loraBias: boolean;
  /** Names or endings of modules that are replaced as a whole. */
  readonly modulesToSave: readonly string[];
  /** Rows of embeddings that are replaced, by the ending of the module's name; the empty one is the input embedding. */
  readonly tokenRows: ReadonlyMap<string, readonly number[]>;
  /** Whether a change to the embedding also changes a tied head, although PEFT usually unties them. */
  readonly keepsTie: boolean;
}

const MERGE =
  'Merge it into its base in Python: AutoPeftModelForCausalLM.from_pretrained(folder).merge_and_unload().save_pretrained(out), and open the folder "out".';

/** Fields that are read below, or have no effect once training is over. */
const USED = new Set(
  `peft_type base_model_name_or_path r lora_alpha rank_pattern alpha_pattern use_rslora target_modules exclude_modules
  layers_to_transform layers_pattern bias lora_bias modules_to_save trainable_token_indices fan_in_fan_out init_lora_weights
  ensure_weight_tying`.split(/\s+/),
);
const HARMLESS = new Set(
  `lora_dropout inference_mode task_type auto_mapping revision megatron_core qalora_group_size eva_config peft_version
  merge_weights`.split(/\s+/),
);
/** Initialisations that leave the base's weights as they are. */
const INITIAL = [true, false, 'gaussian', 'eva', 'orthogonal', 'mica'];

/** @throws ConfigError naming the option */
export function parsePeftConfig(json: unknown): PeftConfig {
  if (!isJsonObject(json))
    throw new ConfigError(`adapter_config.json contains ${quote(json)}, not settings`, FIX);
  const type = own(json, 'peft_type');
  if (type !== 'LORA') throw new ConfigError(`unsupported peft_type ${quote(type)}; supported: LORA`, MERGE);
  refuseUnknown(json);
  const initial = own(json, 'init_lora_weights') ?? true;
  if (!INITIAL.includes(initial as boolean))
    throw new ConfigError(
      `unsupported init_lora_weights ${quote(initial)}: it changes the weights of the base when the adapter is loaded`,
      MERGE,
    );
  const name = own(json, 'base_model_name_or_path');
  return {
    baseName: typeof name === 'string' && name.trim() !== '' ? name.trim() : undefined,
    rules: moduleRules(json),
    bias: biasOf(json),
    loraBias: flag(json, 'lora_bias'),
    modulesToSave: names(json, 'modules_to_save'),
    tokenRows: tokenRows(own(json, 'trainable_token_indices')),
    keepsTie: flag(json, 'ensure_weight_tying'),
  };
}

function refuseUnknown(json: JsonObject): void {
  const unknown = Object.keys(json).filter(
    (key) => !USED.has(key) && !HARMLESS.has(key) && !isOff(own(json, key)),
  );
  if (unknown.length > 0)
    throw new ConfigError(
      `unsupported ${unknown.length === 1 ? 'option' : 'options'} of the adapter: ${listed(
        unknown.map((key) => `${quote(key)} (${quote(own(json, key))})`),
        4,
      )}`,
      `${MERGE} If an option changes nothing, take it out of adapter_config.json.`,
    );
}

function isOff(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function biasOf(json: JsonObject): BiasRule {
  const value = own(json, 'bias') ?? 'none';
  if (value === 'none' || value === 'all' || value === 'lora_only') return value;
  throw new ConfigError(`bias is ${quote(value)}, expected none, all or lora_only`, FIX);
}

function names(json: JsonObject, key: string): string[] {
  const value = own(json, key) ?? [];
  if (
    Array.isArray(value) &&
    value.length <= 1000 &&
    value.every((one) => typeof one === 'string' && one !== '')
  )
    return value.slice();
  throw new ConfigError(`${key} is ${quote(value)}, expected a list of module names`, FIX);
}

function tokenRows(value: unknown): ReadonlyMap<string, readonly number[]> {
  if (value === undefined || value === null) return new Map();
  const lists: [string, unknown][] = Array.isArray(value)
    ? [['', value]]
    : isJsonObject(value)
      ? Object.entries(value)
      : [['', undefined]];
  for (const [, list] of lists)
    if (
      !Array.isArray(list) ||
      list.length === 0 ||
      new Set(list).size !== list.length ||
      !list.every((id) => Number.isInteger(id) && id >= 0 && id < 2 ** 22)
    )
      throw new ConfigError(
        `trainable_token_indices is ${quote(value)}, expected different token ids, by module or for the embedding`,
        FIX,
      );
  return new Map(lists as [string, number[]][]);
}
