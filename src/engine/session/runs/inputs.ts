import type { RunConfig } from '../../../contract/config';
import type { InputPart, InputSegment, InputStage, InputsRequest, RunInputs } from '../../../contract/inputs';
import type { Methods } from '../../../contract/methods/method';
import { MAX_PREVIEW_TOKENS } from '../../../contract/tokens';
import { quote } from '../../../text/quote';
import type { HostTensor } from '../../base/dtype';
import { InputError } from '../../base/errors';
import { layoutOf, tokenBatch } from '../../data/batch';
import { usableTokens } from '../../data/sets/draw-rows';
import type { ProblemText, TokenProblem } from '../../data/tokens';
import { isThought, lengthOf, type Stage } from '../../decode/reasoning';
import type { OwnInputs, Recipe } from '../../recipes/shared/recipe';
import { TEXT_INPUTS } from '../../recipes/shared/text-after';
import { TOKEN_INPUTS, tokenFeeds } from '../../recipes/shared/token-inputs';
import type { Tokenizer } from '../../tokenizer/tokenizer';
import { openedData } from '../data/opened-data';
import type { Example } from '../models/problems';
import type { Roles } from '../models/roles';
import type { LoadedModels } from '../models/subjects';
import { previewIds } from '../prompts/preview-token';
import { rationaleOf, rationaleRead, trainedTokens } from './plan';
import { rowReading, runData } from './run-data';
import { reasoningIn, stagesOf } from './stages';

interface Reader {
  readonly config: RunConfig;
  readonly recipe: Recipe;
  readonly roles: Roles;
}

interface Asked extends Reader {
  readonly methods: Methods;
  readonly loaded: LoadedModels;
  readonly signal: AbortSignal | undefined;
}

interface Sample {
  readonly example: Example;
  /** Its index among the training samples, by which some methods draw. */
  readonly index: number;
  readonly leftOut: string | null;
  readonly samples: number | null;
}

type Feeds = Readonly<Record<string, HostTensor>>;

/**
 * A sample as the run's batch has it: read from the batch's own inputs, in a batch of one. Lengths that a batch pads to, and
 * what is drawn for a later step, are not shown.
 * @throws InputError for a row or sample that there is not, and where the run would be refused
 */
export async function inputsOf(of: InputsRequest['of'], asked: Asked): Promise<RunInputs> {
  const { config, recipe, roles, methods } = asked;
  const sample = of.kind === 'row' ? rowSample(of.id, asked) : await trainingSample(of.index, asked);
  const { example, index, leftOut, samples } = sample;
  const { codec, student, teacher } = roles;
  const tokens = trainedTokens(example, config, recipe, codec);
  const stages = stagesOf(config, methods).map(
    ({ name, from }, stage): InputStage => ({
      name,
      ...stageOf({ config, recipe, roles }, example.problem, tokens, { stage, index, from }),
    }),
  );
  const { question, rationale, answer } = example.tokens;
  return {
    ...{ id: example.id, stages, leftOut, samples },
    student: student.report.name,
    teacher: recipe.usesTeacher(config) ? teacher.label : null,
    count: question.length + rationale.length + codec.prompt.length + answer.length,
    positions: student.config.maxPositions ?? null,
  };
}

function rowSample(id: string, { config, recipe, roles, loaded, signal }: Asked): Sample {
  const { set } = openedData(loaded.data);
  const row = set.rows.find((one) => one.id === id);
  if (!row) throw new InputError(`the data set has no row ${quote(id)}`, 'Choose one that is listed.');
  const found = usableTokens(
    row,
    rowReading(config, roles, { rationale: rationaleRead(config, recipe), signal }),
  );
  const tokens = typeof found === 'string' ? roles.codec.encode(row) : found;
  return {
    example: { id, problem: row, tokens },
    index: 0,
    leftOut: typeof found === 'string' ? found : null,
    samples: null,
  };
}

async function trainingSample(index: number, asked: Asked): Promise<Sample> {
  const { config, recipe, roles, loaded, signal } = asked;
  const { training } = await runData(config, roles, loaded, {
    rationale: rationaleRead(config, recipe),
    signal,
  });
  const example = training[index];
  if (!example)
    throw new InputError(
      `there is no training sample ${index}; there are ${training.length}`,
      'Choose another one.',
    );
  return { example, index, leftOut: null, samples: training.length };
}

function stageOf(
  { config, recipe, roles }: Reader,
  problem: ProblemText,
  tokens: TokenProblem,
  { stage, index, from }: { readonly stage: number; readonly index: number; readonly from: number },
): Omit<InputStage, 'name'> {
  const { codec } = roles;
  const layout = { ...layoutOf([tokens], codec, 1), batch: config.optimiser.batch };
  const own = recipe.inputs?.(config, { problems: [tokens], layout, codec }, stage);
  const feeds: Feeds = {
    ...tokenFeeds(tokenBatch([tokens], codec, layout)),
    ...(own && !own.draw && own.feeds([tokens], { samples: [index], step: from })),
  };
  const parts = new Parts(roles.tokenizer, problem, config.data.prompt);
  const reply = targetsIn(feeds, 'reply');
  const written = targetsIn(feeds, 'explicit');
  const rationale = written.slice(0, written.length - reply.length);
  const taught = recipe.usesTeacher(config)
    ? codec.encode(problem, rationaleOf(config)).rationale
    : rationale;
  const { length: P } = codec.prompt;
  const fed = reasoningIn(recipe, config, roles, stage).stages;
  return {
    isDrawn: own?.draw !== undefined,
    segments: [
      ...parts.show('question', questionIn(feeds)),
      ...parts.show('rationale', rationale),
      ...(isSame(taught, rationale) ? [] : parts.show('taught', taught)),
      ...(TEXT_INPUTS.ids in feeds
        ? textAfter(feeds, fed, parts, own?.sizes)
        : [
            ...fed.flatMap((each) => parts.fed(each)),
            ...parts.show('prompt', reply.slice(0, P)),
            ...parts.show('answer', reply.slice(P)),
          ]),
      ...ownTargets(feeds).flatMap((name) => parts.show({ own: name }, targetsIn(feeds, name))),
    ],
  };
}

/** What is fed before a text of the method's own, and the text, which stands in place of prompt and answer. */
function textAfter(
  feeds: Feeds,
  fed: readonly Stage[],
  parts: Parts,
  sizes: OwnInputs['sizes'],
): readonly InputSegment[] {
  const text = targetsIn(feeds, TEXT);
  const ids = integersOf(feeds, TEXT_INPUTS.ids);
  // A text with as many inputs as targets begins with the token that a stage of tokens would feed.
  const before = ids.length === integersOf(feeds, TEXT_INPUTS.targets).length ? ids.slice(0, 1) : [];
  return [
    ...fed.flatMap((each) => (each.kind === 'tokens' ? [] : parts.fed(each, sizes))),
    ...parts.show('fed', before),
    ...parts.show({ own: TEXT }, text),
  ];
}

/** Parts of a sample as they are shown, with the texts that they are made from. */
class Parts {
  private readonly texts: Readonly<Record<string, string>>;

  constructor(
    private readonly tokenizer: Tokenizer,
    { question, rationale: written, steps, answer }: ProblemText,
    prompt: string,
  ) {
    const rationale = written ?? steps.join(' ');
    const text = `${rationale} ${prompt} ${answer}`;
    this.texts = { question, rationale, taught: rationale, prompt, answer, fed: '', [TEXT]: text };
  }

  show(part: InputPart, ids: readonly number[]): readonly InputSegment[] {
    if (ids.length === 0) return [];
    const { tokenizer, texts } = this;
    const all = previewIds(tokenizer, ids, texts[typeof part === 'string' ? part : part.own] ?? '');
    const unknown = all.flatMap((token) => token.unknown ?? []);
    return [
      {
        ...{ kind: 'tokens', part, count: ids.length },
        tokens: all.slice(0, MAX_PREVIEW_TOKENS),
        unknown: { count: unknown.length, words: [...new Set(unknown.filter((word) => word !== ''))] },
      },
    ];
  }

  /** What a stage feeds: tokens, or positions that have none; a sample with a number of thoughts of its own has as many. */
  fed(stage: Stage, sizes?: OwnInputs['sizes']): readonly InputSegment[] {
    if (stage.kind === 'tokens') return this.show('fed', stage.ids);
    const count = isThought(stage) ? (sizes?.latents ?? lengthOf(stage)) : lengthOf(stage);
    return count === 0 ? [] : [{ kind: stage.kind === 'embeddings' ? 'added' : 'latents', count }];
  }
}

/** Name of the text that some methods write in place of prompt and answer. */
const TEXT = 'text';

const integersOf = (feeds: Feeds, name: string): number[] => Array.from(feeds[name]?.data ?? []);

/** What is predicted under a name: the targets with a weight. */
function targetsIn(feeds: Feeds, name: string): number[] {
  const weights = feeds[`${name}.weights`]?.data;
  return integersOf(feeds, `${name}.targets`).filter((_, i) => weights?.[i] !== 0);
}

/** Names of targets that only this method has. */
const ownTargets = (feeds: Feeds): string[] =>
  Object.keys(feeds)
    .flatMap((name) => /^(.+)\.targets$/.exec(name)?.[1] ?? [])
    .filter((name) => !['answer', 'reply', 'explicit', TEXT].includes(name));

/** The question's tokens, without the padding before them. */
function questionIn(feeds: Feeds): number[] {
  const mask = feeds[TOKEN_INPUTS.questionMask]?.data;
  return integersOf(feeds, TOKEN_INPUTS.questionIds).filter((_, i) => mask?.[i] === 0);
}

const isSame = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((id, i) => id === b[i]);
