import { describe, expect, it } from 'vitest';
import type { NamedFile } from '../../../contract/lens';
import { writeSafetensors } from '../../checkpoint/write';
import { tinyExport } from '../../testing/tiny-export.testing';
import { filesOf, tinyPair } from '../../testing/tiny-pair.testing';
import { adapterCase, adapterCases, adapterFiles, baseOf } from './adapters.testing';
import { familyFiles } from './families-files.testing';
import { openModel } from './opened';
import { baseSettings, releaseCases, releaseFiles } from './releases.testing';

/** What is said of files beside an adapter, and beside a published student. */

const file = (name: string, folder?: string): NamedFile => ({
  name,
  data: new Blob(['x']),
  ...(folder !== undefined && { folder }),
});

describe('an adapter', () => {
  const adapter = adapterCase(adapterCases[0]!.name);
  const base = () => familyFiles(baseOf(adapter), 'f32');

  it('is recognised beside training_args.bin, which Trainer writes into its folder and which is no base', async () => {
    const trained = [...adapterFiles(adapter), file('training_args.bin', 'adapter')];
    const { report } = (await openModel([...base(), ...trained])).model;
    expect(report.adapter?.linears).toBeGreaterThan(0);
    await expect(openModel(trained)).rejects.toThrow(/adapter \(PEFT, LoRA\) without its base/);
  });

  it('keeps the list of its base’s tensors; its own are counted', async () => {
    const plain = (await openModel(base())).model.report;
    const merged = (await openModel([...base(), ...adapterFiles(adapter)])).model.report;
    expect(merged.matched?.list).toEqual(plain.matched?.list);
    expect(merged.matched?.tensors).toBeGreaterThan(plain.matched?.tensors ?? 0);
  });

  it('has a note on modules without lori.json', async () => {
    const files = [...adapterFiles(adapter), file('lori_modules.safetensors', 'adapter')];
    const { report } = (await openModel([...base(), ...files])).model;
    expect(report.notes?.at(-1)).toMatch(/^"lori_modules\.safetensors" is not read: .*lori\.json/);
  });
});

describe('a published student', () => {
  const codi = releaseCases.find(({ name }) => name === 'CODI GPT-2')!;
  const weights = { ...codi, file: 'model.safetensors' };

  it('has its own files noted that its layout does without', async () => {
    const files = [...(await releaseFiles(weights)), ...baseSettings(codi)];
    const beside = ['lori.json', 'pytorch_model.bin'].map((name) => file(name));
    const { report } = (await openModel([...files, ...beside])).model;
    expect(report.notes?.slice(-2)).toEqual([
      expect.stringMatching(/^"pytorch_model\.bin" is not read: the weights are in safetensors/),
      'lori.json is not read: how the student reasons is known from the layout of its weights.',
    ]);
    const list = report.matched?.list ?? [];
    expect(list).toHaveLength(report.matched?.tensors ?? 0);
    expect(list.map(({ as }) => as)).toContain('thoughts in.weight');
    expect(list.find(({ as }) => as.startsWith('A of '))?.name).toMatch(/lora_A\.default\.weight$/);
  });

  it('is refused where a file that its index does not name holds a part of it', async () => {
    const [stored] = await releaseFiles(weights);
    const names: string[] = [];
    await releaseFiles(weights, (tensors) => {
      names.push(...tensors.map(({ name }) => name));
      return tensors;
    });
    const map = Object.fromEntries(names.map((name) => [name, 'model.safetensors']));
    const stray = writeSafetensors([
      { name: 'prj.ln.weight', dtype: 'f32', shape: [1], bytes: new Uint8Array(4) },
      { name: 'prj.5.weight', dtype: 'f32', shape: [1], bytes: new Uint8Array(4) },
    ]);
    const opening = (more: readonly NamedFile[]) =>
      openModel([
        stored!,
        ...baseSettings(codi),
        { name: 'model.safetensors.index.json', data: new Blob([JSON.stringify({ weight_map: map })]) },
        ...more,
      ]);
    const bare = (await opening([])).model.report.notes ?? [];
    const stale = { name: 'copy.safetensors', data: stored!.data };
    expect((await opening([stale])).model.report.notes).toEqual([
      ...bare,
      expect.stringMatching(/^"copy\.safetensors" is not read: the index does not name it, and all/),
    ]);
    const lacking = { ...map };
    for (const name of names.filter((one) => one.startsWith('prj.ln.'))) delete lacking[name];
    const split = await releaseFiles(weights, (tensors) =>
      tensors.filter(({ name }) => !name.startsWith('prj.ln.')),
    );
    await expect(
      openModel([
        split[0]!,
        ...baseSettings(codi),
        { name: 'model.safetensors.index.json', data: new Blob([JSON.stringify({ weight_map: lacking })]) },
        { name: 'stray.safetensors', data: new Blob([stray]) },
      ]),
    ).rejects.toThrow(/"stray\.safetensors".*parts of the student that nothing uses: "prj\.ln\.weight"$/);
  });
});

it('an ONNX export says that a state dict beside it is not read', async () => {
  const pair = await tinyPair({ config: { hidden_size: 64, intermediate_size: 96 } });
  const { model } = tinyExport(pair, 'base', { form: 'genai' });
  const settings = filesOf(pair, 'base').filter(({ name }) => !name.endsWith('.safetensors'));
  const chosen = [...settings, { name: 'model.onnx', data: new Blob([model]) }];
  const bare = (await openModel(chosen)).model.report.notes ?? [];
  const opened = await openModel([...chosen, file('pytorch_model.bin')]);
  expect(opened.model.report.notes).toEqual([
    ...bare,
    expect.stringMatching(/^"pytorch_model\.bin" is not read: model\.onnx is opened\. To open it instead/),
  ]);
  expect(() => opened.model.weights).toThrow(/is an ONNX export/);
});
