import { describe, expect, it } from 'vitest';
import {
  numberedTwin,
  recogniseQuantised,
  recogniseTokenizer,
  recogniseWeights,
  type WrongFiles,
  weightFilesOf,
} from './checkpoint-files';

const CONFIGS = ['config.json', 'tokenizer.json'];

const said = (wrong: WrongFiles | null) => `${wrong?.what} | ${wrong?.hint}`;

describe('the files that hold the weights', () => {
  const shards = ['model-00002-of-00002.safetensors', 'model-00001-of-00002.safetensors'];
  it.each<[string, string[], string[] | undefined, string[]]>([
    ['the shards of an index', ['x.safetensors', ...shards], shards, [...shards].reverse()],
    [
      'without one every safetensors file',
      ['b.safetensors', 'a.safetensors'],
      undefined,
      ['a.safetensors', 'b.safetensors'],
    ],
    [
      'model.safetensors alone, whatever is beside it and whatever a stale index names',
      ['model.safetensors', 'model.fp16.safetensors', ...shards],
      shards,
      ['model.safetensors'],
    ],
    [
      'model.safetensors and the others of an index that names it',
      ['head.safetensors', 'model.safetensors', 'x.safetensors'],
      ['model.safetensors', 'head.safetensors'],
      ['head.safetensors', 'model.safetensors'],
    ],
    [
      'variants beside model.safetensors too, which are then refused as a second set',
      ['model.fp16.safetensors', 'model.safetensors'],
      undefined,
      ['model.fp16.safetensors', 'model.safetensors'],
    ],
    [
      'not a student’s modules, nor an adapter',
      ['lori_modules.safetensors', 'adapter_model.safetensors'],
      undefined,
      [],
    ],
    ['safetensors before a state dict', ['pytorch_model.bin', 'a.safetensors'], undefined, ['a.safetensors']],
    [
      'a state dict, never training_args.bin',
      ['training_args.bin', 'checkpoint_28'],
      undefined,
      ['checkpoint_28'],
    ],
  ])('are %s', (_what, names, named, files) => expect(weightFilesOf(names, named)).toEqual(files));
});

describe('files that are no checkpoint', () => {
  it.each<[string[], RegExp]>([
    [['adapter_config.json', 'adapter_model.safetensors', 'tokenizer.json'], /adapter.*merge_and_unload/],
    [['adapter_config.json', 'adapter_model.bin'], /adapter/],
    [
      [...CONFIGS, 'pytorch_model-00001-of-00002.bin'],
      /00002\.bin.*pickle.*a single file named pytorch_model\.bin.*safe_serialization/,
    ],
    [[...CONFIGS, 'model.pt'], /pickle/],
    [['consolidated.00.pth', 'params.json'], /pickle/],
    [['model.Q4_K_M.gguf'], /GGUF.*safetensors/],
    [[...CONFIGS, 'tf_model.h5'], /TensorFlow/],
    [[...CONFIGS, 'weights.npz'], /MLX/],
    [
      [...CONFIGS, 'model.safetensors', 'quantize_config.json'],
      /GPTQ or AWQ: .*quantize_config\.json.*names it as/,
    ],
    [[...CONFIGS, 'model-00002-of-00003.safetensors'], /1 of 3 shards; missing: 1, 3.*all 3 files/],
  ])('%j is named, with what to do', (names, words) => expect(said(recogniseWeights(names))).toMatch(words));

  it.each<[string[]]>([
    [[...CONFIGS, 'model.safetensors']],
    [[...CONFIGS, 'model.safetensors', 'pytorch_model.bin', 'model.gguf']],
    [[...CONFIGS, 'model.safetensors', 'adapter_config.json', 'adapter_model.safetensors']],
    [[...CONFIGS, 'model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors']],
    // The index says which there are, and opening names the one that is missing.
    [[...CONFIGS, 'model-00001-of-00002.safetensors', 'model.safetensors.index.json']],
    [[...CONFIGS, 'model.onnx', 'pytorch_model.bin']],
    // transformers.js writes one of that name too.
    [[...CONFIGS, 'model.onnx', 'model.safetensors', 'quantize_config.json']],
    // State dicts in one file are read.
    [[...CONFIGS, 'pytorch_model.bin']],
    [['checkpoint_28', 'model.pt']],
    [['config.json']],
  ])('%j is left to the reader', (names) => expect(recogniseWeights(names)).toBeNull());

  it('never says that only safetensors can be opened: a state dict in one file can', () => {
    for (const name of ['pytorch_model-00001-of-00002.bin', 'x.pt', 'tf_model.h5', 'flax_model.msgpack'])
      expect(said(recogniseWeights([name]))).not.toMatch(/only safetensors/);
  });

  it('a tokenizer in another form', () => {
    expect(said(recogniseTokenizer(['tokenizer.model']))).toMatch(/tokenizer\.model.*AutoTokenizer/);
    expect(said(recogniseTokenizer(['vocab.json', 'merges.txt']))).toMatch(/older form.*AutoTokenizer/);
    expect(recogniseTokenizer(['tokenizer.model', 'tokenizer.json'])).toBeNull();
    expect(recogniseTokenizer(['config.json'])).toBeNull();
  });

  it('weights in fewer bits, by config.json', () => {
    expect(said(recogniseQuantised({ quantization: { group_size: 64, bits: 4 } }))).toMatch(
      /quantised for MLX \(4 bits\)/,
    );
    expect(said(recogniseQuantised({ quantization_config: { quant_method: 'gptq', bits: 4 } }))).toMatch(
      /quantised by gptq \(4 bits\).*base model/,
    );
    expect(said(recogniseQuantised({ quantization_config: {} }))).toMatch(/unnamed method/);
    for (const config of [{}, null, [], 'x', { quantization: null }, { quantization_config: null }])
      expect(recogniseQuantised(config)).toBeNull();
  });

  it('a file that a browser has numbered', () => {
    expect(numberedTwin('config.json', ['tokenizer.json', 'config (1).json'])).toBe('config (1).json');
    expect(numberedTwin('config.json', ['config(12).json'])).toBe('config(12).json');
    expect(numberedTwin('config.json', ['tokenizer (1).json', 'config.json.bak'])).toBeUndefined();
  });
});
