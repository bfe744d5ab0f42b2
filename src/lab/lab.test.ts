import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRunConfig, settingsOf, withMethod } from '../contract/config';
import type { StepEvent } from '../contract/events';
import { METHODS } from '../contract/methods/index';
import type { Methods } from '../contract/methods/method';
import { LATENT_DEFAULTS } from '../contract/methods/shared';
import { PRESETS } from '../contract/presets';
import type { RunFile } from '../contract/run-file';
import { parseSafetensors } from '../engine/checkpoint/safetensors.testing';
import { wordProblems } from '../engine/data/word-problems';
import { RECIPES } from '../engine/methods/index';
import { LoriWorkbench } from '../engine/session/workbench';
import { tinyExport } from '../engine/testing/tiny-export.testing';
import { tinyEnvironment, tinyPair } from '../engine/testing/tiny-pair.testing';
import { keptIn } from './keep';
import { lab } from './lab';
import { OPTIONS } from './options';

const CONFIG = parseRunConfig({
  seed: 4,
  data: { samples: 4, validation: 2, heldOut: 3 },
  latent: { steps: 2 },
  lora: { rank: 2 },
  factors: { layerRank: 2, hiddenRank: 4, anchor: { hiddenRank: 8 } },
  optimiser: { steps: 3, batch: 2, learningRate: 1e-2 },
  evaluation: { every: 0 },
});

/** What `eval` compares here: more methods would only take longer. */
const FEW = METHODS.filter(({ id }) => ['lori', 'codi', 'ce', 'nocot'].includes(id));

let folder = '';
let models = '';
let runFile: RunFile;
const at = (name: string): string => join(folder, name);
const put = (name: string, value: unknown): string => {
  writeFileSync(at(name), typeof value === 'string' ? value : JSON.stringify(value));
  return at(name);
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lab-test-'));
  models = at('models');
  const files = await tinyPair();
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(models, path)), { recursive: true });
    writeFileSync(join(models, path), bytes);
  }
  // As the page does it: the engine, and the file it offers for download.
  const workbench = new LoriWorkbench(tinyEnvironment(files));
  await workbench.open('wasm');
  await workbench.loadPair('models');
  const losses: number[] = [];
  const result = await workbench.distil(CONFIG, {
    report: (event) => event.kind === 'step' && losses.push(event.losses.total),
  });
  await workbench.close();
  runFile = {
    kind: 'lori-run',
    config: CONFIG,
    models: { ...result.models },
    observed: {
      steps: losses.map((_, i) => i + 1),
      losses,
      validation: { steps: [], shares: [] },
      accuracy: result.heldOut?.share ?? null,
      provider: result.provider,
      seconds: result.seconds.train,
    },
  };
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Output {
  readonly text: string;
  readonly said: string;
  // biome-ignore lint/suspicious/noExplicitAny: each command has its own, and a test reads what it knows to be there
  readonly json: any;
}

const run = (...args: string[]): Promise<Output> => runWith(METHODS, ...args);

async function runWith(methods: Methods, ...args: string[]): Promise<Output> {
  let [text, said] = ['', ''];
  const streams = {
    stdout: { write: (x: string) => (text += x) },
    stderr: { write: (x: string) => (said += x) },
  };
  await lab([...args, '--models', models, '--threads', '1'], streams, { methods, recipes: RECIPES });
  return { text, said, json: text.startsWith('{') ? JSON.parse(text) : undefined };
}

describe('lab eval of single problems', () => {
  it('continues from a file with some of the answers, sweeps the number of thoughts, and writes one row per answer', async () => {
    const kept = at('kept for eval');
    await run('distil', '--config', put('kept.json', CONFIG), '--keep', kept, '--quiet');
    const [out, rows] = [at('items.json'), at('items.csv')];
    const asked = ['eval', '--kept', kept, '--latents', '0-2', '--problems', '3', '--out', out];
    const { said, text } = await run(...asked, '--csv', rows);
    expect(said).toContain('after 2 thoughts: ');
    expect(text).toContain('| after no thoughts | 3 of 3 |');
    const whole = JSON.parse(readFileSync(out, 'utf8'));
    expect(whole.evaluations).toHaveLength(3);
    expect(whole.comparisons).toHaveLength(2);
    const totals = whole.bySteps.map((one: { accuracies: { accuracy: { total: number } }[] }) =>
      one.accuracies.reduce((sum, { accuracy }) => sum + accuracy.total, 0),
    );
    expect(totals).toEqual([3, 3, 3]);
    expect(readFileSync(rows, 'utf8').split('\n')).toHaveLength(1 + 9 + 1);
    // An interruption left one evaluation with two answers, one of which would be different now.
    const [first] = whole.evaluations;
    const marked = { ...first.items[1], text: 'as it was' };
    writeFileSync(
      out,
      JSON.stringify({ ...whole, evaluations: [{ ...first, items: [first.items[0], marked] }] }),
    );
    await run(...asked, '--resume');
    const again = JSON.parse(readFileSync(out, 'utf8'));
    const texts = (evaluations: { items: { id: string; text: string }[] }[]) =>
      evaluations.map(({ items }) => items.map(({ id, text: said }) => [id, said]));
    whole.evaluations[0].items[1] = marked;
    expect(texts(again.evaluations)).toEqual(texts(whole.evaluations));
    await expect(run(...asked)).rejects.toThrow('--resume continues from it');
    await expect(run('eval', '--modes', 'silent')).rejects.toThrow('expected some of latent,explicit,direct');
  });
});

describe('lab distil', () => {
  it('repeats a run of the page to the same losses, from the file it was downloaded as', async () => {
    const { json, said } = await run('distil', '--config', put('run.json', runFile));
    expect(json.steps.map((s: StepEvent) => s.losses.total)).toEqual(runFile.observed?.losses);
    expect(json.repeated).toEqual({ compared: 3, largestDifference: 0 });
    expect(json.result.heldOut.share).toBe(runFile.observed?.accuracy);
    expect(json).toMatchObject({ command: 'distil', provider: 'wasm', threads: 1 });
    expect(said).not.toContain('warning');
  });

  it('takes a bare configuration and changes to it, and writes to a file', async () => {
    const config = put('bare.json', { ...CONFIG, seed: 5 });
    const quiet = await run(
      ...['distil', '--config', config, '--set', 'optimiser.steps=2', '--set', 'method=ce'],
      ...['--out', at('out.json'), '--quiet'],
    );
    expect(quiet).toMatchObject({ text: '', said: '' });
    const json = JSON.parse(readFileSync(at('out.json'), 'utf8'));
    expect(json.result.config).toEqual({
      ...withMethod(CONFIG, 'ce').config,
      seed: 5,
      optimiser: { ...CONFIG.optimiser, steps: 2 },
    });
    expect(json.steps).toHaveLength(2);
    expect(json.repeated).toBeUndefined();
  });

  it('warns if the weights are not those of the file', async () => {
    const other = { ...runFile, models: { ...runFile.models, 'tiny-teacher': '0'.repeat(64) } };
    const { said } = await run('distil', '--config', put('other.json', other));
    expect(said).toMatch(/warning: tiny-teacher is not the one/);
    expect(said).not.toMatch(/warning: tiny-base/);
  });
});

describe('lab distil --model --data', () => {
  const rows = wordProblems(7, 24, { minSteps: 1, maxSteps: 2 });
  const small = ['--set', 'data.samples=3', '--set', 'optimiser.steps=1', '--set', 'data.validation=0'];

  it('trains the checkpoint on the rows, and a run file repeats it to the bit', async () => {
    const data = put('rows.json', rows);
    const given = ['--model', at('models/base'), '--data', data];
    const config = put('bare.json', CONFIG);
    const first = await run('distil', '--config', config, ...given, ...small);
    expect(first.json.result.config.roles).toEqual({ student: 'opened', teacher: 'self', data: 'opened' });
    expect(first.json.result.data).toMatchObject({ name: 'rows.json', leftOut: 0 });
    expect(first.said).toContain('data: rows.json; 3 training, 0 validation, 3 held-out');
    const { result, steps } = first.json;
    const observed = { steps: [1], losses: [steps[0].losses.total], accuracy: null };
    const file = {
      ...{ kind: 'lori-run', config: result.config, models: result.models, data: result.data },
      observed: { ...observed, provider: 'wasm', seconds: 1 },
    };
    const again = await run('distil', '--config', put('rows-run.json', file), ...given);
    expect(again.json.repeated).toEqual({ compared: 1, largestDifference: 0 });
    expect(again.said).not.toContain('warning');
    // Taught by another checkpoint, and by the stored run.
    const one = ['distil', '--config', config, ...given, ...small, '--set', 'data.heldOut=1', '--teacher'];
    const kept = at('kept-teacher');
    const by = await run(...one, at('models/teacher'), '--keep', kept);
    expect(by.json.result.config.roles).toEqual({ student: 'opened', teacher: 'kept', data: 'opened' });
    const named = Object.keys(by.json.result.models).filter((name) => name.startsWith('the kept teacher: '));
    expect(named).toEqual([expect.stringMatching(/^the kept teacher: checkpoint \w{8}$/)]);
    expect(by.json.steps[0].losses.covariance).not.toBe(steps[0].losses.covariance);
    const next = await run(...one, kept);
    expect(next.said).toContain('the teacher is ');
    expect(Object.keys(next.json.result.models).join()).toMatch(/the kept teacher: checkpoint \w{8}, LoRi/);
    const others = put('others.json', rows.slice(1));
    const { said } = await run('distil', '--config', at('rows-run.json'), ...given.slice(0, 3), others);
    expect(said).toContain('warning: the run file was made with different content in rows.json');
  });
});

describe('the other commands', () => {
  it('lens: figure 6 of the teacher by default, with arrays as lists', async () => {
    const part = await run('lens', '--samples', '2', '--span', '2-3');
    expect(part.json.summary[0].median.rows).toBe(2 * part.json.lens.selections[0].layers);
    expect(part.json.lens.request.span).toEqual({ first: 2, last: 3 });
    expect(part.said).toContain('of each sequence, tokens 2 to 3');
    const { json, said } = await run('lens', '--samples', '2');
    const [selection] = json.lens.selections;
    expect(selection).toMatchObject({ label: 'teacher', layers: 2, hidden: 32 });
    expect(selection.spectra).toHaveLength(2);
    expect(selection.spectra[0].sigma.length).toBeGreaterThan(8);
    expect(selection.spectra[0].cumulative.at(-1)).toBeCloseTo(1, 5);
    const [{ median }] = json.summary;
    const third = selection.spectra.map((s: { energyRanks: number[] }) => s.energyRanks[2]);
    expect(median.energyRanks[2]).toBe((third[0] + third[1]) / 2);
    expect(said).toContain(`95, 99 % of the energy ${median.energyRanks.join(', ')}`);
  });

  it('lens: a checkpoint of the student against the teacher, with every option', async () => {
    const config = put('run.json', runFile);
    const { json } = await run(
      ...['lens', '--config', config, '--set', 'observation.every=2', '--samples', '3'],
      ...['--subject', 'teacher:rationale,answer', '--subject', 'student@2'],
      ...['--layers', '2', '--stack', 'layer', '--centre', '--controls', 'gaussian,shuffled'],
      ...['--tucker', '--trajectories', 'pca', '--angles', '1'],
    );
    expect(json.lens.request).toMatchObject({ layers: [2], stack: 'layer', centre: true, angles: 1 });
    const [teacher, student] = json.lens.selections;
    expect(teacher.selection.sections).toEqual(['rationale', 'answer']);
    expect(student).toMatchObject({ label: 'student, step 2', selection: { sections: ['latent'] } });
    expect(student.tucker.layers).toEqual([2]);
    expect(student.trajectory.xyz.length).toBeGreaterThan(0);
    expect(json.lens.angles.angles).toHaveLength(1);
    expect(json.summary.map((row: { label: string }) => row.label)).toEqual([
      'teacher',
      'student, step 2',
      'gaussian',
      'shuffled',
    ]);
  });

  it('lens: rows of a data set read by a checkpoint from a folder', async () => {
    const rows = [
      'Tom has 5 apples. He buys 3 more. How many apples does Tom have?||<<5+3=8>> #### 8',
      'Ann has 7 pens. She sells 2 of them. How many are left?||<<7-2=5>> <<5-1=4>> #### 4',
      'not a row',
      `Ben has 9 nuts. How many are left?||${'<<9-1=8>> '.repeat(9)}#### 8`,
    ];
    const { json, said } = await run(
      ...['lens', '--open', join(models, 'teacher'), '--samples', '2', '--max-tokens', '40'],
      ...['--data', put('rows.txt', [...rows, rows[0]].join('\n')), '--left-out', at('left-out.csv')],
    );
    expect(readFileSync(at('left-out.csv'), 'utf8')).toBe(
      'file,line,reason\nrows.txt,3,not of the form question||steps #### answer\nrows.txt,5,"duplicate of row-1, with the same answer"\n',
    );
    expect([...json.lens.sampleIds].sort()).toEqual(['row-1', 'row-2']);
    expect(json.lens.selections[0]).toMatchObject({
      label: 'opened',
      selection: { sections: ['rationale'] },
    });
    expect(json.lens.dataset).toMatch(/^rows\.txt, sha256 /);
    expect(said).toContain('3 rows, 1 malformed, 1 duplicates');
    expect(said).toContain('rows.txt:3: not of the form question||steps #### answer');
    expect(said).toMatch(/\d+ to 4\d tokens per row, median 2\d; 0 rows are longer than its 256 positions/);
  });

  it('lens: rows of columns whose names say nothing, as they are told', async () => {
    const rows =
      'frage,weg,antwort\nTom has 5 apples. How many?,<<5+3=8>>,8\nAnn has 7 pens. How many?,<<7-2=5>>,5\n';
    const columns = 'question=frage,answer=antwort,rationale=weg';
    const { json, said } = await run(
      ...['lens', '--open', join(models, 'teacher'), '--samples', '2'],
      ...['--data', put('rows.csv', rows), '--columns', columns],
    );
    expect([...json.lens.sampleIds].sort()).toEqual(['row-1', 'row-2']);
    expect(said).toContain('2 rows, 0 malformed, 0 duplicates');
    const wrong = ['--data', at('rows.csv'), '--columns', 'question=x,answer=antwort'];
    await expect(run('lens', '--open', join(models, 'teacher'), ...wrong)).rejects.toThrow('no column "x"');
  });

  it('lens: texts read by a checkpoint from a folder', async () => {
    const { json } = await run(
      ...['lens', '--subject', 'opened', '--open', join(models, 'teacher')],
      ...['--text', 'Tom has 12 eggs.', '--text', 'Ann has 3.'],
    );
    expect(json.lens.sampleIds).toHaveLength(2);
    expect(json.lens.selections[0]).toMatchObject({ label: 'opened', layers: 2 });
  });

  it('lens: a checkpoint whose matrices are stored in 16 or 4 bits', async () => {
    const args = ['lens', '--subject', 'opened', '--open', join(models, 'teacher'), '--text', 'Ann has 3.'];
    const [own, ...others] = await Promise.all(
      [[], ['--storage', 'half'], ['--storage', 'int4']].map(async (more) => {
        const { json } = await run(...args, ...more);
        return json.lens.selections[0];
      }),
    );
    expect(others.map(({ model }) => model)).toEqual(
      ['16 bits', '4 bits'].map((bits) => `${own.model}, matrices in ${bits}`),
    );
    const [first, half, int4] = [own, ...others].map(({ spectra }) => spectra[0].sigma[0] as number) as [
      number,
      number,
      number,
    ];
    // float16 changes a norm of hidden states by far less than 4 bits do.
    expect(half).not.toBe(first);
    expect(Math.abs(half / first - 1)).toBeLessThan(1e-3);
    expect(Math.abs(int4 / first - 1)).toBeGreaterThan(1e-3);
  });

  it('lens: an ONNX export from its folder, and one of several by its path', async () => {
    const files = await tinyPair();
    const folder = at('export');
    mkdirSync(join(folder, 'onnx'), { recursive: true });
    for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json'])
      writeFileSync(join(folder, name), files.get(`teacher/${name}`) as Uint8Array);
    const whole = tinyExport(files, 'teacher', { form: 'decomposed', externalFrom: 1000 });
    writeFileSync(join(folder, 'onnx', 'model.onnx'), whole.model);
    writeFileSync(join(folder, 'onnx', 'model.onnx_data'), whole.data as Uint8Array);
    const half = tinyExport(files, 'teacher', { form: 'decomposed', halves: true });
    writeFileSync(join(folder, 'onnx', 'model_fp16.onnx'), half.model);
    const options = ['--subject', 'opened', '--text', 'Tom has 12 eggs.', '--text', 'Ann has 3.'];
    const lens = async (path: string) => {
      const { json, said } = await run('lens', '--open', path, ...options);
      return {
        said,
        ranks: json.lens.selections[0].spectra.map((s: { effectiveRank: number }) => s.effectiveRank),
      };
    };
    const safetensors = await lens(join(models, 'teacher'));
    const opened = await lens(folder);
    expect(opened.said).toContain('model.onnx was opened; for model_fp16.onnx, choose that file');
    const one = await lens(join(folder, 'onnx', 'model_fp16.onnx'));
    expect(one.said).toContain('model_fp16.onnx computes with float16');
    for (const [i, want] of safetensors.ranks.entries()) {
      expect(Math.abs(opened.ranks[i] / want - 1)).toBeLessThan(1e-5);
      expect(Math.abs(one.ranks[i] / want - 1)).toBeLessThan(5e-3);
      expect(one.ranks[i]).not.toBe(opened.ranks[i]);
    }
  });

  it('causal: accuracy against rank, and every point as it is measured', async () => {
    const { json, said } = await run(
      ...['causal', '--samples', '3', '--problems', '2', '--ranks', '1,32', '--random', '--layers', '2'],
    );
    expect(json.causal.request).toMatchObject({ subject: { kind: 'teacher' }, layers: [2], problems: 2 });
    const points = json.causal.points.map((p: { rank: number; directions: string }) => [
      p.rank,
      p.directions,
    ]);
    expect(points).toEqual([
      [1, 'leading'],
      [1, 'random'],
      [1, 'equal-energy'],
      [32, 'leading'],
      [32, 'random'],
      [32, 'equal-energy'],
    ]);
    expect(json.comparisons.map((c: { rank: number; with: string }) => [c.rank, c.with])).toEqual([
      [1, 'whole'],
      [1, 'random'],
      [1, 'equal-energy'],
    ]);
    expect(json.causal.points[0].outcomes).toHaveLength(2);
    expect(json.causal.whole.total).toBe(2);
    expect(said).toMatch(/rank 1, leading: \d\/2 \[.*1 directions, [\d.]+ % of the energy/);
    expect(said).toMatch(/rank 1, against equal-energy: .*, p = /);
    expect(said).toMatch(/nothing replaced: \d\/2/);
  });

  it('distil: the spectra of the student with its steps', async () => {
    const config = put('run.json', runFile);
    const { json, said } = await run('distil', '--config', config, '--set', 'observation.every=2');
    expect(json.spectra.map((s: { step: number }) => s.step)).toEqual([0, 2, 3]);
    expect(json.spectra[0].sigma).toHaveLength(4);
    expect(said).toContain('latents at 3: effective rank');
  });

  it('eval: every method on every seed, and the difference by seed from CE alone and from LoRi', async () => {
    const config = put('eval.json', { ...CONFIG, optimiser: { ...CONFIG.optimiser, steps: 1 } });
    const { json, said } = await runWith(FEW, 'eval', '--config', config, '--seeds', '1-2,5');
    expect(json.methods.map((r: { name: string }) => r.name)).toEqual(['lori', 'codi', 'ce', 'nocot']);
    for (const { name, accuracy, overSeeds, differences } of json.methods) {
      expect(Object.keys(accuracy)).toEqual(['1', '2', '5']);
      expect(overSeeds.n).toBe(3);
      expect(differences.map((d: { from: string }) => d.from)).toEqual(
        ['ce', 'lori'].filter((other) => other !== name),
      );
      for (const { n } of differences) expect(n).toBe(3);
    }
    expect(json.teacher).toBeTypeOf('number');
    expect(said).toContain('| `codi` | 3 |');
    expect(said).toContain('Only 3 seeds: 10 or more are recommended');
    expect(said).toContain('seeds 1–2, 5. The unit is the seed');
  });

  it('distil: stores the run in a folder, and continues it to the same bits', async () => {
    const config = put('keep.json', { ...CONFIG, keeping: { every: 1 } });
    const { json: whole } = await run('distil', '--config', config, '--keep', at('kept/whole'));
    // As after an interruption: the last snapshot is that of step 2.
    let kept: Uint8Array | undefined;
    const workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
    await workbench.open('wasm');
    await workbench.loadPair('models');
    await workbench.distil(parseRunConfig(JSON.parse(readFileSync(config, 'utf8'))), {
      keep: async ({ step, file }) => {
        if (step === 2) kept = file;
      },
    });
    await workbench.close();
    mkdirSync(at('kept/half'));
    writeFileSync(at('kept/half/snapshot.safetensors'), kept as Uint8Array);
    await expect(
      run('distil', '--resume', at('kept/half'), '--config', config, '--set', 'optimiser.steps=9'),
    ).rejects.toThrow(/other settings: optimiser\.steps is 3, not 9/);
    await expect(run('distil', '--keep', at('kept/half'))).rejects.toThrow(/a run is already kept there/);
    await expect(run('distil', '--resume')).rejects.toThrow(/takes a folder here/);
    await expect(run('distil', '--resume', at('nowhere'))).rejects.toThrow(/no run is kept there/);
    // As a run bundle, which continues to the same bits, and whose student is used without training.
    const bundle = at('half.zip');
    const packed = await run('export', '--kept', at('kept/half'), '--format', 'bundle', '--out', bundle);
    expect(packed.json.export.notes.join()).toContain('the student at step 2 with its optimiser');
    const { json: unpacked } = await run('distil', '--resume', bundle);
    expect(unpacked.resumedFrom).toBe(2);
    const adapter = ['export', '--format', 'peft', '--out'];
    await run(...adapter, at('from-bundle.zip'), '--kept', bundle);
    await run(...adapter, at('from-folder.zip'), '--kept', at('kept/half'));
    expect(readFileSync(at('from-bundle.zip'))).toEqual(readFileSync(at('from-folder.zip')));
    await expect(run(...adapter, at('x.zip'), '--kept', bundle, '--set', 'seed=9')).rejects.toThrow(
      /--kept: the run was started with other settings: seed is 4, not 9/,
    );
    await expect(run(...adapter, at('x.zip'), '--kept', at('from-folder.zip'))).rejects.toThrow(
      /is not a run bundle/,
    );
    const { json: rest } = await run('distil', '--resume', at('kept/half'), '--config', config);
    expect(rest.resumedFrom).toBe(2);
    const losses = (json: { steps: StepEvent[] }) =>
      json.steps.map((step: StepEvent) => [step.step, step.losses]);
    expect(losses(rest)).toEqual(losses(whole).slice(2));
    expect(losses(unpacked)).toEqual(losses(rest));
    const done = await run('export', '--kept', at('kept/half'), '--format', 'bundle', '--out', bundle);
    expect(done.json.export.notes.join()).toContain('the student as it was trained');
    // A run trained for export equals a stored one.
    await run('export', '--config', config, '--format', 'bundle', '--out', at('trained.zip'));
    const { run: trained } = await keptIn(at('trained.zip'), METHODS);
    const { run: row } = await keptIn(at('kept/half'), METHODS);
    expect(trained.result).toMatchObject({ steps: 3, heldOut: row.result?.heldOut });
    expect(trained.series.losses).toEqual(row.series.losses);
    // If the run has continued since, or was reset, the result belongs to another state.
    mkdirSync(at('kept/other'));
    writeFileSync(at('kept/other/run.json'), readFileSync(at('kept/half/run.json')));
    writeFileSync(at('kept/other/snapshot.safetensors'), kept as Uint8Array);
    expect((await keptIn(at('kept/other'), METHODS)).run).toMatchObject({ id: row.id, result: null });
    expect(rest.result.heldOut).toEqual(whole.result.heldOut);
    // Both are done: the two files hold the same student.
    await expect(run('distil', '--resume', at('kept/half'))).rejects.toThrow(/the run is done/);
    const tensors = (name: string) => {
      const { buffer } = new Uint8Array(readFileSync(at(`kept/${name}/snapshot.safetensors`)));
      return [...parseSafetensors(buffer)].map(([key, { bytes }]) => [
        key,
        Buffer.from(bytes).toString('hex'),
      ]);
    };
    expect(tensors('half')).toEqual(tensors('whole'));
  });

  it('eval: continues after an interruption, and refuses to overwrite or mix results', async () => {
    const config = put('resume.json', { ...CONFIG, optimiser: { ...CONFIG.optimiser, steps: 1 } });
    const args = ['eval', '--config', config, '--seeds', '1,2', '--out', at('eval-out.json')];
    const first = await runWith(
      FEW,
      'eval',
      '--config',
      config,
      '--seeds',
      '1',
      '--out',
      at('eval-out.json'),
    );
    expect(first.text).toContain('| `ce` | 1 |');
    const kept = JSON.parse(readFileSync(at('eval-out.json'), 'utf8'));
    expect(kept.runs).toHaveLength(4);
    // As after an interruption: one run is missing, and another is marked to see that it is not repeated.
    const marked = { ...kept, runs: kept.runs.slice(0, 3).map((r: object) => ({ ...r, accuracy: 0.25 })) };
    put('eval-out.json', marked);
    await expect(runWith(FEW, ...args)).rejects.toThrow(/eval-out\.json" exists; --resume continues from it/);
    await expect(runWith(FEW, ...args, '--resume', '--set', 'latent.steps=1')).rejects.toThrow(
      /the runs of lori in the file have settings other than those requested/,
    );
    const { said } = await runWith(FEW, ...args, '--resume');
    expect(said).toContain('3 runs are taken from the file');
    const { runs } = JSON.parse(readFileSync(at('eval-out.json'), 'utf8'));
    expect(runs).toHaveLength(8);
    expect(runs.slice(0, 3).map((r: { accuracy: number }) => r.accuracy)).toEqual([0.25, 0.25, 0.25]);
    expect(runs.slice(3).map((r: { name: string; seed: number }) => `${r.name} ${r.seed}`)).toEqual([
      ...['nocot 1', 'lori 2', 'codi 2', 'ce 2', 'nocot 2'],
    ]);
  });

  it('step: thoughts, the answer, and the teacher on the same question', async () => {
    const { json } = await run('step', '--config', put('run.json', runFile), '--question', 'Tom has 2 eggs.');
    expect(json.thoughts.map((t: { step: number }) => t.step)).toEqual([1, 2]);
    expect(json.session.question).toBe('Tom has 2 eggs.');
    expect(json.answer.top).toHaveLength(8);
    expect(json.explicit.tokens).toBeGreaterThan(0);
  });

  it('intervenes on thoughts of the untrained base, one branch each, and reports what each changes', async () => {
    const { json, said } = await run(
      ...['step', '--untrained', '--intervene', 'z1:zero', '--intervene', 'z5@residual.2:zero'],
    );
    const [changed, unused] = json.branches;
    expect(changed.interventions).toEqual([{ step: 1, at: { site: 'latent' }, operation: { kind: 'zero' } }]);
    expect(changed.thoughts[0].fed).toMatchObject({ norm: 0, isChanged: true });
    expect(changed.difference.divergence[0].nats).toBeGreaterThan(1e-6);
    // Nothing reads the last thought's final state.
    expect(unused.difference.divergence.every(({ nats }: { nats: number }) => nats === 0)).toBe(true);
    expect(json.milliseconds.thought).toBeGreaterThan(0);
    expect(json).not.toHaveProperty('heldOut');
    expect(said).toMatch(/z1:zero: .* KL [\d.e-]+ nats/);
    await expect(run('step', '--intervene', 'z1:blur')).rejects.toThrow('"blur"; one of zero');
  });
});

describe('lab generate', () => {
  it('continues a prompt, seeded, and says how fast; its text is the one in the JSON', async () => {
    const drawn = ['generate', '--prompt', 'Tom has 12 apples.', '--limit', '9', '--temperature', '0.9'];
    const { json, said } = await run(...drawn, '--top-k', '30', '--top-p', '0.95', '--seed', '3');
    const { request, samples, prompt } = json.generation;
    expect(request).toMatchObject({
      subject: { kind: 'teacher' },
      settings: { temperature: 0.9, topK: 30, topP: 0.95, seed: 3, samples: 1, limit: 9 },
    });
    expect(said).toContain(`Tom has 12 apples.\n${samples[0].text}`);
    expect(said).toMatch(new RegExp(`${prompt.length} tokens read; .* tokens/s`));
    const again = await run(
      ...drawn,
      '--top-k',
      '30',
      '--top-p',
      '0.95',
      '--seed',
      '3',
      '--continuations',
      '2',
    );
    expect(again.json.generation.samples[0].tokens[0].id).toBe(samples[0].tokens[0].id);
    expect(again.said).toContain(`--- sample 2\n${again.json.generation.samples[1].text}`);
  });

  it('takes the opened checkpoint as the subject, and a held-out question as the prompt', async () => {
    const { json } = await run('generate', '--open', join(models, 'base'), '--limit', '2');
    expect(json.generation).toMatchObject({ label: 'opened', request: { subject: { kind: 'opened' } } });
    expect(json.generation.prompt.length).toBeGreaterThan(5);
    for (const [args, message] of [
      [['--temperature', 'warm'], /--temperature "warm"; a number/],
      [['--top-p', '2'], /settings.topP/],
      [['--subject', 'opened'], /--open/],
    ] as const)
      await expect(run('generate', ...args)).rejects.toThrow(message);
  });
});

describe('lab states', () => {
  it('writes the hidden states of a text to .npy and safetensors, and says which tokens the rows belong to', async () => {
    const args = ['states', '--open', join(models, 'base'), '--text', 'Tom has 12 apples.', '--layers', '2'];
    const { json, said } = await run(...args, '--out', at('states.npy'));
    const { shape, samples, layers } = json.states;
    expect(json.states).toMatchObject({ label: 'opened', request: { subject: { kind: 'opened' } } });
    expect([shape[0], shape[2], layers]).toEqual([1, 32, [2]]);
    expect(samples[0].ids).toHaveLength(shape[1]);
    const bytes = readFileSync(at('states.npy'));
    expect(bytes.subarray(1, 6).toString('latin1')).toBe('NUMPY');
    const values = bytes.length - 4 * shape[1] * 32;
    expect(values % 64).toBe(0);
    expect(said).toContain(`1 layers of ${shape[1]} tokens, H 32; ${bytes.length} bytes`);
    await run(...args, '--out', at('states.safetensors'));
    const other = readFileSync(at('states.safetensors'));
    expect(other.subarray(other.length - 4 * shape[1] * 32)).toEqual(bytes.subarray(values));
    const part = await run(...args, '--span', '2-3', '--out', at('part.npy'));
    expect(part.json.states.shape).toEqual([1, 2, 32]);
    expect(readFileSync(at('part.npy')).subarray(-4 * 2 * 32)).toEqual(
      bytes.subarray(values + 4 * 32, values + 4 * 3 * 32),
    );
    await expect(run(...args, '--span', '3-2', '--out', at('part.npy'))).rejects.toThrow(
      '--span "3-2": The last token',
    );
    await expect(run(...args)).rejects.toThrow('ends in .npy or .safetensors');
    await expect(run(...args, '--out', at('states.json'))).rejects.toThrow('states.json');
  });
});

describe('--help', () => {
  it('names every command, option, preset, method and setting', async () => {
    const { text } = await run('--help');
    for (const name of ['lens', 'causal', 'distil', 'eval', 'step', 'generate', 'states', 'bench'])
      expect(text).toContain(`\n  ${name} `);
    for (const option of Object.keys(OPTIONS)) expect(text).toContain(`\n  --${option}`);
    for (const { id } of PRESETS) expect(text).toContain(`\n  ${id} `);
    for (const method of METHODS)
      for (const { settings } of settingsOf(method))
        for (const { path } of settings) expect(text).toContain(`\n    ${path}: `);
    expect(text).toContain(`latent.steps: 1 to 32 latents [${LATENT_DEFAULTS.steps}].`);
  });

  it('for one command has its options and not those of others', async () => {
    const { text } = await run('causal', '--help');
    expect(text).toMatch(/--ranks 1,2,4 .*powers of two/);
    // Fewer problems would say little about a difference.
    expect(text).toMatch(/--problems n .*\[100\]/);
    expect(text).not.toContain('--trajectories');
    expect(text).toContain('optimiser.steps: ');
  });
});

describe('bad arguments and files', () => {
  const bad: [string, () => string[], RegExp][] = [
    ['no command', () => [], /unknown command ""\nusage: npm run lab/],
    ['an unknown command', () => ['train'], /unknown command "train"/],
    ['an inherited name', () => ['constructor'], /unknown command "constructor"/],
    ['two commands', () => ['distil', 'eval'], /"eval" is one argument too many/],
    ['an unknown option', () => ['distil', '--fast'], /--fast/],
    [
      'an option of another command',
      () => ['distil', '--ranks', '1'],
      /--ranks is not an option of distil but of causal/,
    ],
    [
      'two things to start from',
      () => ['distil', '--config', put('run.json', runFile), '--preset', 'ce-128'],
      /--config and --preset both say/,
    ],
    [
      'a setting the method does not have',
      () => ['distil', '--preset', 'nocot-128', '--set', 'latent.steps=2'],
      /a setting of the method nocot/,
    ],
    ['no such file', () => ['distil', '--config', at('none.json')], /none\.json cannot be read: ENOENT/],
    [
      'no JSON',
      () => ['distil', '--config', put('no.json', '{"seed": ')],
      /no\.json cannot be read: not valid JSON/,
    ],
    [
      'a bad value',
      () => ['distil', '--config', put('k.json', { latent: { steps: 0 } })],
      /latent\.steps: .*got 0/,
    ],
    [
      'a bad value in a run file',
      () => ['distil', '--config', put('r.json', { ...runFile, config: { ...CONFIG, seed: -1 } })],
      /config\.seed: .*got -1/,
    ],
    [
      'a change of no setting',
      () => ['distil', '--set', 'optimizer.steps=3'],
      /--set "optimizer\.steps=3"; path=value/,
    ],
    ['a change without a value', () => ['distil', '--set', 'seed'], /--set "seed"; path=value/],
    [
      'a setting that the method has no place for',
      () => ['distil', '--set', 'method=dart', '--set', 'training.weights=full'],
      /DART has no such setting: the written pathway is the LoRA/,
    ],
    ['a hostile change', () => ['distil', '--set', '__proto__.seed=3'], /--set "__proto__\.seed=3"/],
    ['a bad change', () => ['distil', '--set', 'seed=many'], /seed: .*got "many"/],
    ['bad seeds', () => ['eval', '--seeds', '1,x'], /--seeds "x"; a whole number/],
    ['a range that runs backwards', () => ['eval', '--seeds', '5-3'], /--seeds "5-3"; a range such as/],
    ['a seed given twice', () => ['eval', '--seeds', '3,1-4'], /--seeds names 3 twice/],
    [
      'a baseline that is not run',
      () => ['eval', '--presets', 'lori-128', '--baseline', 'ce-128'],
      /--baseline "ce-128" is not among what is run: lori-results-128/,
    ],
    ['nothing to resume', () => ['eval', '--resume'], /give --out/],
    [
      'a file that is not of eval',
      () => ['eval', '--resume', '--out', put('not-eval.json', { runs: 3 })],
      /not one that eval wrote/,
    ],
    ['bad samples', () => ['lens', '--samples', '-3'], /--samples/],
    [
      'a subject there is not',
      () => ['lens', '--subject', 'pupil'],
      /--subject "pupil"; expected teacher, base/,
    ],
    [
      'tokens that do not exist',
      () => ['lens', '--subject', 'teacher:thoughts'],
      /sections from question, rationale, latent/,
    ],
    [
      'a checkpoint of a model without any',
      () => ['lens', '--subject', 'teacher@5'],
      /--subject "teacher@5"/,
    ],
    ['an unknown stack', () => ['lens', '--stack', 'pile'], /stack: .*got "pile"/],
    ['two kinds of samples', () => ['lens', '--text', 'a', '--data', at('rows')], /--text, --ids and --data/],
    ['--max-tokens without rows', () => ['lens', '--max-tokens', '9'], /give --data/],
    ['what no data set leaves out', () => ['lens', '--left-out', at('x.csv')], /--left-out .* give --data/],
    ['how no data set is read', () => ['lens', '--columns', 'question=q,answer=a'], /give --data/],
    [
      'a form there is not',
      () => ['lens', '--data', at('rows'), '--read-as', 'x'],
      /"x"; there are gsm8k, icot/,
    ],
    [
      'columns that are none',
      () => ['eval', '--data', at('rows'), '--columns', 'question=q'],
      /answer=… is expected/,
    ],
    ['a data set there is not', () => ['lens', '--data', at('nowhere')], /--data .*nowhere": ENOENT/],
    ['unknown controls', () => ['lens', '--controls', 'noise'], /controls\.0: .*got "noise"/],
    ['layers that are no numbers', () => ['lens', '--layers', '1,b'], /--layers "b"; a whole number/],
    [
      'layers the model has not',
      () => ['lens', '--layers', '7', '--samples', '2'],
      /layers? .*7.*(1 … 2|1 to 2)/,
    ],
    [
      'a step without a checkpoint',
      () => ['lens', '--config', put('run.json', runFile), '--subject', 'student@1'],
      /student@1; there are checkpoints of the steps 0, 3/,
    ],
    [
      'a storage there is not',
      () => ['lens', '--open', join(models, 'teacher'), '--storage', 'int2'],
      /--storage "int2"; expected f32, half, int8 or int4/,
    ],
    ['a folder there is not', () => ['lens', '--open', at('nowhere')], /nowhere" cannot be opened: ENOENT/],
    ['nothing opened', () => ['causal', '--subject', 'opened'], /give the folder of a checkpoint by --open/],
    [
      'two subjects of one test',
      () => ['causal', '--subject', 'base', '--subject', 'teacher'],
      /given 2 times/,
    ],
    ['the command of old', () => ['spectra'], /unknown command "spectra"/],
    ['no folder for the output', () => ['lens', '--out', at('no/where.json')], /there is no folder/],
    ['no folder for the rows', () => ['eval', '--csv', at('no/where.csv')], /--csv .*there is no folder/],
  ];
  it.each(bad)('%s: reported in one clear line', async (_name, args, message) => {
    await expect(run(...args())).rejects.toThrow(message);
  });

  it('says which models are missing', async () => {
    const streams = { stdout: { write: () => 0 }, stderr: { write: () => 0 } };
    await expect(lab(['lens', '--models', at('nowhere'), '--threads', '1'], streams)).rejects.toThrow(
      /nowhere\/manifest\.json: .*404/,
    );
  });
});

describe('the program', () => {
  const root = resolve(import.meta.dirname, '../..');
  const program = (...args: string[]): Promise<{ code: number; out: string; err: string }> =>
    new Promise((done) => {
      const line = [join(root, 'scripts/tools/run-ts.mjs'), join(root, 'src/lab/main.ts'), ...args];
      execFile(process.execPath, line, (error, out, err) =>
        done({ code: Number(error?.code ?? 0), out, err }),
      );
    });

  it('prints JSON and exits with 0; on failure exits with 1 and a line on stderr without a stack', async () => {
    const config = put('program.json', runFile);
    const [good, wrong] = await Promise.all([
      program('distil', '--config', config, '--models', models, '--threads', '1'),
      program('distil', '--config', put('wrong.json', { latent: { steps: 0 } })),
    ]);
    expect(good.err).not.toContain('Error');
    expect(good.code).toBe(0);
    expect(JSON.parse(good.out).repeated).toEqual({ compared: 3, largestDifference: 0 });
    expect(wrong.code).toBe(1);
    expect(wrong.out).toBe('');
    expect(wrong.err).toContain('latent.steps: ');
    expect(wrong.err).toContain('Correct the named values');
    expect(wrong.err).not.toContain('    at ');
  });
});
