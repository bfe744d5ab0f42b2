import { ConfigError } from '../../base/errors';
import { encodeFloats } from '../../checkpoint/float';
import { writeSafetensors } from '../../checkpoint/write';
import type { DecoderConfig } from '../../nn/config';
import { layerWeights } from '../../nn/weight-parts';
import type { Exported, RunningAdapter } from './subject';

/**
 * A student's adapter in PEFT's format: adapter_config.json and adapter_model.safetensors.
 * @throws ConfigError if the student has no adapter, several at once, one that is not LoRA, or trained weights of its own
 */
export function peftFiles({
  model,
  weights,
  adapters,
  rems,
}: Exported): Record<string, Uint8Array<ArrayBuffer>> {
  if (weights)
    throw new ConfigError(
      'all of this student’s weights were trained, and a PEFT folder holds only an adapter',
      'Export the merged model, or the run bundle.',
    );
  const [rem] = rems;
  if (rem)
    throw new ConfigError(
      `the student’s adapter "${rem.name}" is a reasoning evolvement module (DART), which a PEFT folder cannot hold`,
      'Export the merged model, whose key and value projections take it in, or the run bundle.',
    );
  const [adapter, ...others] = adapters;
  if (!adapter)
    throw new ConfigError(
      `${model.report.name} has no adapter that PEFT could hold`,
      'Export the merged model instead.',
    );
  if (others.length > 0)
    throw new ConfigError(
      `the student runs ${adapters.length} adapters at once (${adapters.map(({ name }) => name).join(', ')}), and a PEFT folder holds one`,
      'Export the merged model instead.',
    );
  const text = `${JSON.stringify(configOf(model.config, model.report.name, adapter), null, 2)}\n`;
  return {
    'adapter_config.json': new TextEncoder().encode(text),
    'adapter_model.safetensors': weightsOf(adapter),
  };
}

const pathOf = (target: string): string => target.replace(/\.weight$/, '');

function weightsOf({ factors }: RunningAdapter): Uint8Array<ArrayBuffer> {
  const tensors = factors.flatMap(({ target, rank, a, b, in: width, out }) => {
    const module = `base_model.model.${pathOf(target)}`;
    return [
      {
        name: `${module}.lora_A.weight`,
        dtype: 'f32' as const,
        shape: [rank, width],
        bytes: encodeFloats(a, 'f32'),
      },
      {
        name: `${module}.lora_B.weight`,
        dtype: 'f32' as const,
        shape: [out, rank],
        bytes: encodeFloats(b, 'f32'),
      },
    ];
  });
  return writeSafetensors(tensors, new Map([['format', 'pt']]));
}

/** Fields that PEFT 0.7 and later read, with PEFT's defaults unless the adapter differs. */
function configOf(config: DecoderConfig, base: string, { spec, factors }: RunningAdapter): object {
  const name = shortNames(config);
  const modules = new Map(factors.map(({ target, rank, alpha }) => [name(target), { rank, alpha }]));
  const others = [...modules].filter(([, { rank, alpha }]) => rank !== spec.rank || alpha !== spec.alpha);
  return {
    alpha_pattern: Object.fromEntries(others.map(([module, { alpha }]) => [module, alpha])),
    auto_mapping: null,
    base_model_name_or_path: base,
    bias: 'none',
    fan_in_fan_out: config.weightNames === 'gpt2',
    inference_mode: true,
    init_lora_weights: true,
    layers_pattern: null,
    layers_to_transform: null,
    lora_alpha: spec.alpha,
    lora_dropout: spec.dropout ?? 0,
    modules_to_save: null,
    peft_type: 'LORA',
    r: spec.rank,
    rank_pattern: Object.fromEntries(others.map(([module, { rank }]) => [module, rank])),
    revision: null,
    target_modules: [...modules.keys()],
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: false,
  };
}

/** The last part of a module's path, with the one before it if two modules of a layer share it (GPT-2's c_proj). */
function shortNames(config: DecoderConfig): (target: string) => string {
  const paths = Object.values(layerWeights(config, 0)).flatMap(({ parts }) =>
    parts.map(({ name }) => pathOf(name)),
  );
  const lastOf = (path: string): string => path.split('.').at(-1) as string;
  return (target) => {
    const path = pathOf(target);
    const last = lastOf(path);
    const shared = new Set(paths.filter((other) => lastOf(other) === last)).size > 1;
    return shared ? path.split('.').slice(-2).join('.') : last;
  };
}
