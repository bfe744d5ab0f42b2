import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunConfig } from '../../../contract/config';
import { AS_DETECTED } from '../../../contract/data';
import type { InputPart, InputSegment, RunInputs } from '../../../contract/inputs';
import { METHODS } from '../../../contract/methods/index';
import type { HostTensor } from '../../base/dtype';
import { wordProblems } from '../../data/word-problems';
import { RECIPES } from '../../methods/index';
import { TEXT_INPUTS } from '../../recipes/shared/text-after';
import { TOKEN_INPUTS } from '../../recipes/shared/token-inputs';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import type { Desk } from '../desk';
import { insideOf } from '../inside.testing';
import { resolveRoles } from '../models/resolve-roles';
import { LoriWorkbench } from '../workbench';
import { batchesOf } from './batches';
import { planOf, rationaleRead } from './plan';
import { runData } from './run-data';
import { stagesOf } from './stages';
import { tinyRunBy } from './tiny-run.testing';

let workbench: LoriWorkbench;
beforeAll(async () => {
  workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await workbench.open('wasm');
  await workbench.loadPair('models/');
  const rows = wordProblems(5, 40, { minSteps: 2, maxSteps: 4 });
  // Words that the tiny model does not have, each an unknown token.
  rows[3] = { ...rows[3]!, question: `Zebras count ${rows[3]!.question}`, steps: ['quagga', '<<3+4=7>>'] };
  await workbench.openData([{ name: 'rows.json', data: new Blob([JSON.stringify(rows)]) }], AS_DETECTED);
});
afterAll(() => workbench.close());

const idsOf = ({ stages }: RunInputs, stage: number, part: InputPart): number[] | undefined =>
  stages[stage]?.segments.flatMap((one) =>
    one.kind === 'tokens' && JSON.stringify(one.part) === JSON.stringify(part)
      ? one.tokens.map(({ id }) => id)
      : [],
  );

type Feeds = Record<string, HostTensor>;

/** Row b of an input, without what a weight of 0 or a hidden key makes padding. */
function rowOf(feeds: Feeds, name: string, b: number, kept: (i: number) => boolean): number[] {
  const { data, shape } = feeds[name] as HostTensor;
  const width = data.length / (shape[0] as number);
  return Array.from(data.slice(b * width, (b + 1) * width)).filter((_, i) => kept(b * width + i));
}
const targetsOf = (feeds: Feeds, name: string, b: number) =>
  rowOf(feeds, `${name}.targets`, b, (i) => feeds[`${name}.weights`]?.data[i] !== 0);

/** The first batches of a run, by its own code, with the index of each row's sample. */
async function batchesOfRun(config: RunConfig, stage = 0, from = 0) {
  const recipe = RECIPES[config.method]!;
  const loaded = insideOf<Desk>(workbench).loadedModels();
  const roles = resolveRoles(config, loaded);
  const data = await runData(config, roles, loaded, { rationale: rationaleRead(config, recipe) });
  const { trained, layout } = planOf(config, recipe, roles, stagesOf(config, METHODS), data);
  const { codec } = roles;
  const inputs = recipe.inputs?.(config, { problems: trained, layout, codec }, stage);
  const seen: number[][] = [];
  const watching = inputs && {
    ...inputs,
    feeds: (...[problems, place]: Parameters<typeof inputs.feeds>) => {
      seen.push([...place.samples]);
      return inputs.feeds(problems, place);
    },
  };
  const machinery = {
    ...{ trained, layout, losses: {} },
    curriculum: { current: { index: stage }, inputs: watching } as never,
  };
  const of = batchesOf({ machinery, recipe, config, codec, emit: () => {} });
  return { feeds: (await of(from))[0] as Feeds, trained, seen, rows: data.training.map(({ id }) => id) };
}

const PART = { question: 'question', rationale: 'rationale', prompt: 'prompt', answer: 'answer' } as const;

describe('the tokens of a sample before a run', () => {
  const on = { roles: { data: 'opened' } } as never;
  it.each([
    ['the bundled problems', tinyRunBy('lori')],
    ['rows', tinyRunBy('lori', on)],
    ['rows, without their last step', tinyRunBy('sim-cot', on)],
    ['rows, with pauses', tinyRunBy('pause-ft', on)],
    [
      'rows, with another prompt',
      tinyRunBy('ce', { ...(on as object), data: { prompt: '7 apples:' } } as never),
    ],
  ])('are those of the run’s batch: %s', async (_, config) => {
    const { feeds, trained } = await batchesOfRun(config);
    // Which sample a row of the batch is, by its tokens.
    const B = (feeds[TOKEN_INPUTS.questionIds] as HostTensor).shape[0] as number;
    expect(B).toBe(2);
    for (let b = 0; b < B; b++) {
      const question = rowOf(
        feeds,
        TOKEN_INPUTS.questionIds,
        b,
        (i) => feeds[TOKEN_INPUTS.questionMask]?.data[i] === 0,
      );
      const index = trained.findIndex((one) => String(one.question) === String(question));
      const read = await workbench.runInputs({ config, of: { kind: 'training', index } });
      const part = (name: InputPart) => idsOf(read, 0, name) ?? [];
      expect(part(PART.question)).toEqual(question);
      expect([...part(PART.prompt), ...part(PART.answer)]).toEqual(targetsOf(feeds, 'reply', b));
      expect([...part(PART.rationale), ...part(PART.prompt), ...part(PART.answer)]).toEqual(
        targetsOf(feeds, 'explicit', b),
      );
      expect(part(PART.rationale).length).toBeGreaterThan(0);
      expect(read.samples).toBe(6);
    }
  });

  it.each([
    ['coconut', 0],
    ['coconut', 1],
    ['icot', 0],
    ['icot', 1],
    ['adaptive', 0],
    ['sim-cot', 0],
    ['lotus', 0],
  ])('are those of inputs that only %s has, stage %i', async (method, stage) => {
    const config = tinyRunBy(method, on);
    const from = stagesOf(config, METHODS)[stage]!.from;
    const { feeds, seen } = await batchesOfRun(config, stage, from);
    const own = Object.keys(feeds).flatMap(
      (name) => /^(?!answer|reply|explicit)(.+)\.targets$/.exec(name)?.[1] ?? [],
    );
    expect(own.length).toBeGreaterThan(0);
    for (const [b, index] of seen.at(-1)!.entries()) {
      const read = await workbench.runInputs({ config, of: { kind: 'training', index } });
      for (const name of own) expect(idsOf(read, stage, { own: name })).toEqual(targetsOf(feeds, name, b));
      // The first input of iCoT's text is the end token before it.
      const ids = feeds[TEXT_INPUTS.ids];
      if (method === 'icot')
        expect(idsOf(read, stage, 'fed')).toEqual([ids?.data[(b * ids.data.length) / 2]]);
    }
  });

  it('have what stands between question and prompt: latents, added tokens, and what the teacher reads instead', async () => {
    const kinds = async (method: string, changes: object = {}) => {
      const config = tinyRunBy(method, { ...(on as object), ...changes } as never);
      const { stages } = await workbench.runInputs({ config, of: { kind: 'row', id: 'row-1' } });
      return stages.map(({ segments }) =>
        segments.map((one: InputSegment) =>
          one.kind === 'tokens'
            ? typeof one.part === 'string'
              ? one.part
              : one.part.own
            : `${one.count} ${one.kind}`,
        ),
      );
    };
    const usual = ['prompt', 'answer'];
    expect(await kinds('lori', { factors: { rationale: 'results' } })).toEqual([
      ['question', 'rationale', 'taught', '2 latents', ...usual],
    ]);
    expect(await kinds('lori', { factors: { rationale: 'steps' } })).toEqual([
      ['question', 'rationale', '2 latents', ...usual],
    ]);
    expect(await kinds('nocot')).toEqual([['question', 'rationale', ...usual]]);
    expect((await kinds('pause-ft'))[0]).toContainEqual(expect.stringMatching(/^\d+ added$/));
    expect((await kinds('coconut')).map((stage) => stage.slice(2))).toEqual([
      ['1 added', '1 added', 'text'],
      ['1 added', '1 latents', '1 added', 'text'],
      ['1 added', '1 latents', '1 added', 'text'],
    ]);
  });

  it('mark what the model does not know, count it and name its words', async () => {
    const config = tinyRunBy('lori', on);
    const read = await workbench.runInputs({ config, of: { kind: 'row', id: 'row-4' } });
    const [question, rationale] = read.stages[0]!.segments as Extract<InputSegment, { kind: 'tokens' }>[];
    expect(question?.unknown).toEqual({ count: 2, words: ['Zebras', 'count'] });
    expect(question?.tokens.slice(0, 2)).toEqual([
      { id: question?.tokens[0]?.id, text: '<unk>', special: true, unknown: 'Zebras' },
      { id: question?.tokens[0]?.id, text: '<unk>', special: true, unknown: 'count' },
    ]);
    expect(rationale?.unknown).toEqual({ count: 1, words: ['quagga'] });
    expect(read).toMatchObject({ student: 'tiny-base', positions: 256, leftOut: null, samples: null });
  });

  it('say which rows a run leaves out, and refuse what there is not', async () => {
    const config = tinyRunBy('lori', { ...(on as object), data: { longest: 10 } } as never);
    const row = (id: string) => workbench.runInputs({ config, of: { kind: 'row', id } });
    expect((await row('row-2')).leftOut).toMatch(/^\d+ tokens; at most 10$/);
    await expect(row('row-99')).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(/no row "row-99"/),
    });
    const training = { config: tinyRunBy('lori'), of: { kind: 'training', index: 6 } } as const;
    await expect(workbench.runInputs(training)).rejects.toMatchObject({
      code: 'input',
      message: 'there is no training sample 6; there are 6',
    });
  });
});
