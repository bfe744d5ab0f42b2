/** Everything that is read from outside, with files to damage and what must hold for whatever is read. */

import { arenaOfLink } from '../../src/app/store/arena-link';
import { dataOfLink } from '../../src/app/store/data-link';
import { followFormsLink } from '../../src/app/store/forms';
import { initialDraft } from '../../src/app/store/lens-draft';
import { followLensLink } from '../../src/app/store/lens-link';
import { formatLink, parseLink } from '../../src/app/store/link';
import { formatRunFile, readRunFile } from '../../src/app/store/run-file';
import { parseRunConfig } from '../../src/contract/config';
import { FIGURE_6, type LensRequest, type NamedFile } from '../../src/contract/lens';
import { METHODS } from '../../src/contract/methods/index';
import { emptySeries } from '../../src/contract/series-schema';
import type { Rng } from '../../src/engine/base/rng';
import { parseModelConfig } from '../../src/engine/checkpoint/config';
import { parseJson } from '../../src/engine/checkpoint/json';
import { memorySource } from '../../src/engine/checkpoint/source';
import { readPickle } from '../../src/engine/checkpoint/torch/pickle';
import { readEntry, readZip } from '../../src/engine/checkpoint/zip';
import { adapterCases, adapterFiles, baseOf } from '../../src/engine/session/models/adapters.testing';
import {
  type FamilyCase,
  familyCases,
  familyFiles,
} from '../../src/engine/session/models/families-files.testing';
import {
  baseSettings,
  PICKLES,
  releaseCases,
  releaseFiles,
} from '../../src/engine/session/models/releases.testing';
import { LoriWorkbench } from '../../src/engine/session/workbench';
import { tinyExport } from '../../src/engine/testing/tiny-export.testing';
import { SMALLEST, serveFiles, tinyEnvironment, tinyPair } from '../../src/engine/testing/tiny-pair.testing';
import { readRows } from '../../src/storage/store';
import { dataSets } from './data-sets';
import { hubAnswers, hubSources } from './hub';
import { type Bytes, deepen, mutateBytes, mutateFile, mutateJson, mutateValue } from './mutate';
import { runBundle } from './run-bundle';
import type { Target } from './target';
import { tokenizers } from './tokenizer';

const TEXTS = ['What is 12 + 7? 19', 'A cat. The hat!'];
const OPENED = {
  ...FIGURE_6,
  selections: [{ subject: { kind: 'opened' }, sections: ['text'] }],
  source: { kind: 'texts', texts: TEXTS },
} as const;

/** The lens request on the hidden states: a report of everything the page shows takes four times as long. */
const VIEWS: readonly Partial<LensRequest>[] = [
  {},
  { centre: true, stack: 'layer' },
  { tucker: true, trajectories: 'pca' },
  { controls: ['shuffled', 'random-tokens', 'gaussian'], trajectories: 'tucker' },
];

type Files = ReadonlyMap<string, Bytes>;

/** A checkpoint with an index, so that the index is read too. */
function withIndex(files: Files): Files {
  const bytes = files.get('model.safetensors') as Bytes;
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as object;
  const map = Object.fromEntries(Object.keys(header).map((name) => [name, 'model.safetensors']));
  const index = new TextEncoder().encode(JSON.stringify({ weight_map: map }));
  return new Map([...files, ['model.safetensors.index.json', index]]);
}

/** The files, one of them damaged. */
function oneDamaged(files: Files, rng: Rng): NamedFile[] {
  const damaged = rng.pick([...files.keys()]);
  return [...files].map(([name, bytes]) => ({
    name,
    data: new Blob([name === damaged ? mutateFile(name, bytes, rng) : bytes]),
  }));
}

const bytesOf = async (files: readonly NamedFile[]): Promise<Files> =>
  new Map(
    await Promise.all(
      files.map(async ({ name, data }) => [name, new Uint8Array(await data.arrayBuffer())] as const),
    ),
  );

/** Opens a checkpoint with one damaged file, and decomposes its hidden states. */
function checkpoint(name: string, files: Files, workbench: LoriWorkbench, weight: number): Target {
  return {
    name,
    weight,
    async run(rng) {
      const model = await workbench.openCheckpoint(oneDamaged(files, rng));
      return { model, report: await workbench.lens({ ...OPENED, ...rng.pick(VIEWS) }) };
    },
  };
}

/** Loads a pair whose manifest is damaged, and looks at its problems. */
function manifest(files: Files): Target {
  return {
    name: 'manifest',
    weight: 2,
    async run(rng) {
      const text = new TextDecoder().decode(files.get('manifest.json'));
      const served = new Map(files).set('manifest.json', mutateJson(text, rng));
      const workbench = new LoriWorkbench({ ...tinyEnvironment(served), fetch: serveFiles(served) });
      await workbench.open('wasm');
      try {
        const pair = await workbench.loadPair('models/');
        return { pair, problems: await workbench.problems('train', 0, 3) };
      } finally {
        await workbench.close();
      }
    },
  };
}

const config = parseRunConfig({});
const series = {
  ...emptySeries,
  step: [1, 2],
  learningRate: [1e-3, 1e-3],
  gradientNorm: [1, 2],
  milliseconds: [30, 31],
  losses: { total: [3, 2], answer: [1, 1] },
};
const accuracy = { correct: 3, total: 10, share: 0.3, low: 0.1, high: 0.6 };
const result = {
  config,
  status: 'done' as const,
  steps: 2,
  heldOut: accuracy,
  teacher: accuracy,
  seconds: { teacher: 1, compile: 1, train: 1, evaluate: 1 },
  programs: 1,
  trainable: 100,
  provider: 'wasm' as const,
  models: { base: 'a'.repeat(64) },
};

const runFile: Target = {
  name: 'run file',
  weight: 6,
  async run(rng) {
    const text = formatRunFile({ config, series, result } as Parameters<typeof formatRunFile>[0]);
    return readRunFile(new TextDecoder().decode(mutateJson(text, rng)));
  },
};

const dates = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });

const storedRow: Target = {
  name: 'stored row',
  weight: 6,
  async run(rng) {
    const row = { id: 'run', savedAt: 1_800_000_000_000, config, result, series };
    const mutant = deepen(mutateValue(row, rng), rng.pick([70, 3000]));
    const { runs, damaged } = readRows(new Map([['run', mutant]]));
    if (runs.length + damaged.length !== 1) throw new Error('the row is neither readable nor damaged');
    for (const { reason } of damaged)
      if (reason === '' || reason.length > 300) throw new Error(`a reason of ${reason.length} characters`);
    return { kept: runs.map(({ savedAt, config: c }) => [dates.format(savedAt), c]), damaged };
  },
};

const LINK = '#/lowrank?preset=lori-128&theme=dark&samples=9&view=ranks&layers=1,2&question=held-out-3';
const DATA_LINK =
  '#/data?data-set=org/own@v1&data-file=a/b.txt&data-question=q&data-answer=a&data-rule=text&data-steps=2-5&data-seed=7';
const FORMS_LINK =
  '#/latents?eval-thoughts=0-3,6&eval-problems=12&stop-source=rows&attention-head=3&try-kind=scale&try-factor=-1.5&causal-ranks=1,8&points-layer=3&memory-batch=8&provider=wasm';

const ARENA_LINK =
  '#/arena?ablation=lori-anchor&contenders=ce-128,nocot-128&arena-seeds=1-5,9&arena-problems=30&baseline=ce-128';

const link: Target = {
  name: 'link',
  weight: 3,
  async run(rng) {
    let hash = rng.pick([LINK, DATA_LINK, ARENA_LINK, FORMS_LINK]);
    for (let i = rng.integer(1, 3); i > 0; i--)
      hash = rng.pick([
        () => new TextDecoder().decode(mutateBytes(new TextEncoder().encode(hash), rng)),
        () =>
          hash.replace(
            /=[^&]*/,
            () => `=${rng.pick(['', '-1', '1e308', 'NaN', '%', '[[['.repeat(50_000), '9'.repeat(400)])}`,
          ),
        () => `${hash}&${rng.pick(['__proto__=1', 'constructor=x', 'samples=3', `${'k'.repeat(90_000)}=1`])}`,
        () => hash + '&a=1'.repeat(5000),
      ])();
    const { link: read, problems } = parseLink(hash);
    const { draft, view } = followLensLink(read.lens, initialDraft());
    const data = dataOfLink(read.data);
    const arena = arenaOfLink(read.arena, METHODS);
    const forms = followFormsLink(read.forms);
    const again = parseLink(formatLink(read)).link;
    if (again.panel !== read.panel || again.preset !== read.preset)
      throw new Error('a link does not come back');
    const said = problems.join('\n').length;
    if (said > 20_000) throw new Error(`${said} characters of problems`);
    return { read, draft, view, data, arena, forms, problems };
  },
};

/** The configuration alone, of every family: it is cheap, so that many are read. */
const familyConfigs: Target = {
  name: 'config.json of every family',
  weight: 8,
  async run(rng) {
    const mutant = mutateJson(JSON.stringify(rng.pick(familyCases).config), rng);
    const config = parseModelConfig(parseJson(mutant, 'config.json'));
    const length = config.notes.join('').length;
    if (length > 4000) throw new Error(`${length} characters of notes`);
    return config;
  },
};

/** A tiny checkpoint of the family, with an index. */
async function familyCheckpoint(name: string, workbench: LoriWorkbench): Promise<Target> {
  const family = familyCases.find((one) => one.name.startsWith(name)) as FamilyCase;
  const files = new Map<string, Bytes>();
  for (const { name: file, data } of familyFiles(family, 'bf16'))
    files.set(file, new Uint8Array(await data.arrayBuffer()));
  return checkpoint(family.name, withIndex(files), workbench, 3);
}

/** A tiny base with an adapter whose configuration or weights are damaged. */
async function adapter(workbench: LoriWorkbench): Promise<Target> {
  const cases = await Promise.all(
    adapterCases.map(async (one) => ({
      base: familyFiles(baseOf(one), 'bf16'),
      files: await bytesOf(adapterFiles(one)),
    })),
  );
  return {
    name: 'PEFT adapter',
    weight: 5,
    async run(rng) {
      const { base, files } = rng.pick(cases);
      const model = await workbench.openCheckpoint([...base, ...oneDamaged(files, rng)]);
      return { model, report: await workbench.lens(OPENED) };
    },
  };
}

/** A published student whose weights, a file of torch.save or safetensors, or settings are damaged. */
async function release(workbench: LoriWorkbench): Promise<Target> {
  const cases = await Promise.all(
    releaseCases.map(async (one) =>
      bytesOf([...(await releaseFiles(one)), ...baseSettings(one)].filter(({ data }) => data.size > 0)),
    ),
  );
  return {
    name: 'latent release',
    weight: 6,
    async run(rng) {
      const files = rng.pick(cases);
      const model = await workbench.openCheckpoint(oneDamaged(files, rng));
      return { model, report: await workbench.lens(OPENED) };
    },
  };
}

/** The pickle of a state dict alone: it is cheap, so that many are read. */
const pickles: Target = {
  name: 'pickle',
  weight: 6,
  async run(rng) {
    const whole = Uint8Array.from(atob(PICKLES.module), (c) => c.charCodeAt(0));
    const source = memorySource(whole.buffer);
    const entry = [...(await readZip(source)).values()].find(({ name }) => name.endsWith('data.pkl'));
    const bytes = await readEntry(source, entry as NonNullable<typeof entry>, 1e6);
    const value = readPickle(mutateBytes(bytes, rng), 'data.pkl');
    return { kind: typeof value };
  },
};

/** The same model as an ONNX export whose weights lie in a file of their own. */
function onnxFiles(files: Files, base: Files): Files {
  const { model, data } = tinyExport(files, 'base', { form: 'decomposed', externalFrom: 256 });
  const kept = [...base].filter(([name]) => name.endsWith('.json'));
  return new Map([...kept, ['model.onnx', model], ['model.onnx_data', data as Bytes]]);
}

/** `stories` are the files of a real checkpoint, if there is one. */
export async function makeTargets(stories: Files | undefined): Promise<readonly Target[]> {
  const files = await tinyPair(SMALLEST);
  const base = new Map(
    [...files].flatMap(([path, bytes]): [string, Bytes][] =>
      path.startsWith('base/') ? [[path.slice('base/'.length), bytes]] : [],
    ),
  );
  const workbench = new LoriWorkbench(tinyEnvironment(files));
  await workbench.open('wasm');
  return [
    checkpoint('checkpoint', base, workbench, 8),
    checkpoint('sharded checkpoint', withIndex(base), workbench, 4),
    ...(stories ? [checkpoint('stories260K', stories, workbench, 3)] : []),
    await familyCheckpoint('gpt2, no prefix', workbench),
    await familyCheckpoint('qwen3', workbench),
    await adapter(workbench),
    await release(workbench),
    pickles,
    checkpoint('ONNX export', onnxFiles(files, base), workbench, 5),
    familyConfigs,
    tokenizers,
    dataSets,
    manifest(files),
    runFile,
    await runBundle(),
    storedRow,
    link,
    hubAnswers,
    hubSources,
  ];
}
