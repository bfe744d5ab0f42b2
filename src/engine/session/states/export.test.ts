import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Progress } from '../../../contract/events';
import { readSpan } from '../../../contract/span';
import type { StatesFile, StatesRequest } from '../../../contract/states';
import { CancelledError, InputError } from '../../base/errors';
import { type StoredTensor, toHost } from '../../checkpoint/safetensors';
import { parseSafetensors } from '../../checkpoint/safetensors.testing';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { insideOf } from '../inside.testing';
import type { DeviceModels } from '../models/device-models';
import { type LoadedModels, resolveSubject } from '../models/subjects';
import { LoriWorkbench } from '../workbench';
import { gatherStates, sequencesOf } from './states';

/** The internals that the tests use. */
interface Inside {
  readonly opened: { readonly models: DeviceModels };
  loadedModels(): LoadedModels;
}

let workbench: LoriWorkbench;
let pair: Awaited<ReturnType<typeof tinyPair>>;
beforeAll(async () => {
  pair = await tinyPair();
  workbench = new LoriWorkbench(tinyEnvironment(pair));
  await workbench.open('wasm');
  await workbench.loadPair('models');
});
afterAll(() => workbench.close());

const REQUEST: StatesRequest = {
  source: { kind: 'problems', seed: 1, samples: 3 },
  subject: { kind: 'teacher' },
  sections: ['rationale', 'answer'],
  layers: null,
  format: 'npy',
};
const TEXTS: StatesRequest = {
  ...REQUEST,
  source: { kind: 'texts', texts: ['Tom has 12 apples.', 'He buys 3 more. How many apples does Tom have?'] },
  sections: ['text'],
};

/** The states as gathered for the lens, [tokens, L, H] for each sample. */
async function gathered({ source, subject, sections }: StatesRequest) {
  const desk = insideOf<Inside>(workbench);
  const all = desk.loadedModels();
  return gatherStates(desk.opened.models, resolveSubject(subject, all), sequencesOf(source, all), sections);
}

/** Shape and values of a .npy file, according to its header. */
async function npyOf({ blob }: StatesFile): Promise<{ shape: number[]; values: Float32Array }> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const length = 10 + (bytes[8] as number) + 256 * (bytes[9] as number);
  const text = new TextDecoder().decode(bytes.subarray(10, length));
  expect(text).toContain("'fortran_order': False");
  const shape = /\(([^)]*)\)/.exec(text)?.[1]?.split(',').map(Number) as number[];
  return { shape, values: new Float32Array(bytes.slice(length).buffer) };
}

describe.each([
  ['problems', REQUEST],
  ['texts, one layer', { ...TEXTS, layers: [2] }],
] as const)('hidden states of %s', (_, request) => {
  it('are those of the lens, layer by layer, in .npy and in safetensors', async () => {
    const file = await workbench.exportStates(request);
    const { samples, hidden } = await gathered(request);
    const layers = request.layers ?? [1, 2];
    const tokens = samples.reduce((sum, sample) => sum + sample.tokens, 0);
    expect(file).toMatchObject({
      name: 'tiny-teacher-teacher.npy',
      shape: [layers.length, tokens, hidden],
      layers,
      label: 'teacher',
    });
    expect(file.samples.map(({ texts }) => texts)).toEqual(samples.map(({ texts }) => texts));
    const { shape, values } = await npyOf(file);
    expect(shape).toEqual([...file.shape]);
    expect(values).toHaveLength(layers.length * tokens * hidden);

    const safe = await workbench.exportStates({ ...request, format: 'safetensors' });
    expect(safe.name).toBe('tiny-teacher-teacher.safetensors');
    const bytes = await safe.blob.arrayBuffer();
    const tensors = parseSafetensors(bytes);
    expect([...tensors.keys()]).toEqual(layers.map((layer) => `layers.${layer}`));
    const head = new TextDecoder().decode(
      new Uint8Array(bytes, 8, Number(new DataView(bytes).getBigUint64(0, true))),
    );
    const { __metadata__: metadata } = JSON.parse(head);
    expect(metadata).toMatchObject({
      model: 'tiny-teacher',
      dtype: 'float32',
      layers: JSON.stringify(layers),
    });
    expect(metadata.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.parse(metadata.tokens)).toEqual(samples.map(({ texts }) => texts));

    samples.forEach((sample, s) => {
      const place = file.samples[s] as StatesFile['samples'][number];
      expect([place.id, place.tokens]).toEqual([sample.id, sample.tokens]);
      layers.forEach((layer, l) => {
        const tensor = tensors.get(`layers.${layer}`);
        const own = new Float32Array(Uint8Array.from(tensor?.bytes ?? []).buffer);
        for (let t = 0; t < sample.tokens; t++) {
          const at = (t * 2 + layer - 1) * hidden;
          const expected = sample.states.subarray(at, at + hidden);
          const row = (l * tokens + place.from + t) * hidden;
          expect(values.subarray(row, row + hidden)).toEqual(expected);
          expect(own.subarray((place.from + t) * hidden, (place.from + t + 1) * hidden)).toEqual(expected);
        }
      });
    });
  });
});

describe('a file of hidden states', () => {
  it('names the token of every row, and none where a latent was fed', async () => {
    const { tokenizer } = insideOf<{ loaded: { pair: { tokenizer: never } } }>(workbench).loaded.pair as {
      tokenizer: { tokenText(id: number): string };
    };
    const progress: Progress[] = [];
    const file = await workbench.exportStates(
      { ...REQUEST, subject: { kind: 'base' }, sections: ['question', 'latent'] },
      { report: (event) => progress.push(event) },
    );
    for (const { ids, texts } of file.samples) {
      expect(ids.filter((id) => id === null)).toHaveLength(5);
      ids.forEach((id, i) => {
        expect(texts[i]).toBe(id === null ? `z${'₁₂₃₄₅'[i - ids.indexOf(null)]}` : tokenizer.tokenText(id));
      });
    }
    expect(progress.at(-1)).toMatchObject({ phase: 'states', done: 3, total: 3, unit: 'samples' });
  });

  it('holds layer 0 where it is asked for: the embeddings as they are stored, and the latents that are fed', async () => {
    const stored = parseSafetensors(
      (pair.get('teacher/model.safetensors') as Uint8Array<ArrayBuffer>).buffer,
    );
    const embedding = toHost(stored.get('model.embed_tokens.weight') as StoredTensor).data as Float32Array;
    const file = await workbench.exportStates({ ...TEXTS, layers: [0], format: 'safetensors' });
    const bytes = await file.blob.arrayBuffer();
    const tensors = parseSafetensors(bytes);
    expect([...tensors.keys()]).toEqual(['layers.0']);
    const values = toHost(tensors.get('layers.0') as StoredTensor).data as Float32Array;
    const ids = file.samples.flatMap((sample) => sample.ids as number[]);
    const [, tokens, H] = file.shape;
    expect([file.shape[0], tokens, file.layers]).toEqual([1, ids.length, [0]]);
    const rows = ids.map((id) => Array.from(embedding.subarray(id * H, (id + 1) * H)));
    expect(Array.from(values)).toEqual(rows.flat());
    const about = (buffer: ArrayBuffer): string => new TextDecoder().decode(buffer.slice(8, 2000));
    expect(about(bytes)).toContain('layer 0 is what the first layer is fed');
    const usual = await workbench.exportStates({ ...TEXTS, format: 'safetensors' });
    expect(about(await usual.blob.arrayBuffer())).not.toContain('layer 0');

    // A latent is made of the final state before it, of all layers, whichever are written.
    const base = { ...REQUEST, subject: { kind: 'base' }, sections: ['question', 'latent'] } as const;
    const [fed, all] = [
      await npyOf(await workbench.exportStates({ ...base, layers: [0] })),
      await npyOf(await workbench.exportStates({ ...base, layers: [0, 1, 2] })),
    ];
    expect(fed.values).toEqual(all.values.subarray(0, fed.values.length));
    expect(fed.values.every(Number.isFinite)).toBe(true);
  });

  it('holds a span of each sequence’s tokens where one is asked for, and names a sequence that is shorter', async () => {
    const whole = await workbench.exportStates({ ...TEXTS, layers: [1, 2] });
    const { values: all } = await npyOf(whole);
    for (const [span, count] of [
      [{ first: 2, last: 4 }, [3, 3]],
      [{ first: 3, last: null }, whole.samples.map(({ tokens }) => tokens - 2)],
    ] as const) {
      const file = await workbench.exportStates({ ...TEXTS, layers: [1, 2], span });
      expect(file.samples.map(({ tokens }) => tokens)).toEqual(count);
      const { shape, values } = await npyOf(file);
      const [, tokens, H] = shape as [number, number, number];
      expect(shape).toEqual([2, count[0] + (count[1] as number), whole.shape[2]]);
      file.samples.forEach((sample, s) => {
        const from = whole.samples[s] as StatesFile['samples'][number];
        expect(sample.texts).toEqual(from.texts.slice(span.first - 1, span.last ?? undefined));
        for (const layer of [0, 1])
          for (let t = 0; t < sample.tokens; t++) {
            const row = (layer * tokens + sample.from + t) * H;
            const own = (layer * whole.shape[1] + from.from + span.first - 1 + t) * H;
            expect(values.subarray(row, row + H)).toEqual(all.subarray(own, own + H));
          }
      });
    }
    const [short] = whole.samples;
    await expect(workbench.exportStates({ ...TEXTS, span: { first: 1, last: 99 } })).rejects.toThrow(
      `${short?.id} has ${short?.tokens} tokens in text; those from 1 to 99 are requested`,
    );
    await expect(workbench.exportStates({ ...TEXTS, span: { first: 3, last: 2 } })).rejects.toThrow(
      'last token',
    );
    await expect(workbench.exportStates({ ...TEXTS, span: { first: 0, last: 2 } })).rejects.toThrow(
      'first token',
    );
  });

  it('reads a span as it is typed', () => {
    const read = (text: string) => readSpan(text).span;
    expect([read('all'), read(' '), read('3'), read('3-10'), read('3 – 10'), read('3-')]).toEqual([
      ...[null, null, { first: 3, last: 3 }],
      ...[
        { first: 3, last: 10 },
        { first: 3, last: 10 },
        { first: 3, last: null },
      ],
    ]);
    for (const [text, error] of [
      ['x', 'Write “all”'],
      ['0-3', 'Tokens are counted from 1.'],
      ['5-3', 'The last token, 3, comes before the first, 5.'],
    ] as const)
      expect(readSpan(text).error).toContain(error);
  });

  it('is refused if the lens would refuse it, or in an unknown format', async () => {
    for (const [change, message] of [
      [{ format: 'csv' }, 'there is no format "csv"; there are npy and safetensors'],
      [{ layers: [3] }, 'layers [3]: expected some of 0 … 2, ascending and each once, which the teacher has'],
      [{ layers: [-1, 0] }, 'expected some of 0 … 2'],
      [{ layers: [0, 0] }, 'expected some of 0 … 2'],
      [{ sections: [] }, 'selections.0.sections'],
      [{ sections: ['latent'] }, 'only the student and the base have latent steps'],
      [{ subject: { kind: 'opened' } }, 'no checkpoint is open'],
    ] as const) {
      const refused = workbench.exportStates({ ...REQUEST, ...change } as StatesRequest);
      await expect(refused).rejects.toThrow(InputError);
      await expect(refused).rejects.toThrow(message);
    }
    await expect(workbench.exportStates(REQUEST, { signal: AbortSignal.abort() })).rejects.toThrow(
      CancelledError,
    );
  });
});
