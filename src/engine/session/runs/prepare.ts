import type { RunConfig } from '../../../contract/config';
import type { Methods } from '../../../contract/methods/method';
import { labelOf } from '../../../contract/presets';
import { Pace } from '../../analysis/pace';
import { Owned } from '../../base/owned';
import { Rng } from '../../base/rng';
import type { TokenLayout } from '../../base/tokens';
import { layoutOf } from '../../data/batch';
import type { RationaleForm } from '../../data/tokens';
import type { Decoder } from '../../decode/decoder';
import { positionsIn } from '../../decode/reasoning';
import type { DecoderConfig } from '../../nn/config';
import type { Recipe, Targets } from '../../recipes/shared/recipe';
import { compileWhole } from '../../train/compile-whole';
import { gpuOptimiser } from '../../train/gpu-optimiser';
import { compileLayerwise } from '../../train/layerwise/compile';
import { hostOptimiser, type Optimiser } from '../../train/optimiser';
import { ParameterSet } from '../../train/parameters';
import type { TapeRun } from '../../train/step';
import { Tape } from '../../train/tape/tape';
import { embeddingOf } from '../models/embedding';
import { refuseUnlessFits } from '../models/fits';
import { checkPositions } from '../models/positions';
import type { Example } from '../models/problems';
import { TrainedAdapter } from './adapter';
import type { PhaseClock } from './clock';
import type { RunContext } from './context';
import type { RunData } from './run-data';
import type { OpenedSnapshot } from './snapshot-file';
import { capacityFor, checkDecoding, decoderFor, EVALUATION_BATCH, type Student } from './student';
import { teacherStates } from './teacher-states';

/** What a run needs to compute; made by `prepare`, freed by `dispose`. */
export interface Machinery {
  readonly step: TapeRun;
  readonly losses: Targets['losses'];
  readonly ranksUsed: Readonly<Record<string, number>>;
  readonly adapter: TrainedAdapter;
  readonly optimiser: Optimiser;
  /** What is trained, in the order of the adapter's packs. */
  readonly parameters: ParameterSet;
  readonly decoder: Decoder;
  /** Depends on the training data alone, so that nothing else can change a bit of training. */
  readonly layout: TokenLayout;
  /** The layout of everything that is decoded. */
  readonly decoded: TokenLayout;
  dispose(): Promise<void>;
}

export interface PrepareOptions {
  readonly clock: PhaseClock;
  /** Awaited between pieces of work: it waits while the run is paused, and rejects when it is cancelled. */
  readonly between: () => Promise<void>;
  readonly signal: AbortSignal | undefined;
  /** Where a run that is resumed goes on. */
  readonly from?: OpenedSnapshot | undefined;
}

/** What of the rationale the teacher is forced through. */
export const rationaleOf = (config: RunConfig): RationaleForm =>
  'factors' in config ? config.factors.rationale : 'steps';

const longestOf = (a: TokenLayout, b: TokenLayout): TokenLayout => ({
  ...a,
  question: Math.max(a.question, b.question),
  answer: Math.max(a.answer, b.answer),
  explicit: Math.max(a.explicit, b.explicit),
});

const SHORTER = 'Choose a teacher with more positions, or shorter problems.';

/** The teacher's hidden states, targets, programs. Frees everything if it fails. */
export async function prepare(
  context: RunContext,
  config: RunConfig,
  recipe: Recipe,
  { training, validation, heldOut }: RunData,
  { clock, between, signal, from }: PrepareOptions,
): Promise<Machinery> {
  const { runtime, models, device, roles } = context;
  const { student: base, teacher: read, codec } = roles;
  const batch = Math.min(config.optimiser.batch, training.length);
  const tokensOf = (examples: readonly Example[]) => examples.map((e) => e.tokens);
  const layout = layoutOf(tokensOf(training), codec, batch);
  const evaluated = [...validation, ...heldOut];
  // The first training samples are observed; without problems to evaluate on they are all that is decoded.
  const observed = training.slice(0, config.observation.samples);
  const decodedBatch = Math.min(EVALUATION_BATCH, evaluated.length || observed.length);
  const decoded = layoutOf(tokensOf([...evaluated, ...observed]), codec, decodedBatch);

  const reasoning = recipe.reasoning(config, base.config);
  const fed = positionsIn(reasoning);
  const tokens = layout.question + fed + layout.prompt + layout.answer + layout.explicit;
  const purpose = { kind: 'distil', sequences: batch, tokens, rank: config.lora.rank } as const;
  refuseUnlessFits(base.config, runtime.provider, purpose, 'training');
  checkDecoding(base, capacityFor(decoded, reasoning));
  if (recipe.usesTeacher(config))
    checkPositions(read.model, layout.question + layout.explicit, 'the teacher pass', SHORTER);

  clock.begin('teacher');
  const teacher = recipe.usesTeacher(config)
    ? await teacherStates(models, roles, training, layout, {
        rationale: rationaleOf(config),
        between,
        onProgress: (done, total) => clock.tell(done, total, 'samples'),
      })
    : [];
  await between();
  clock.begin('factors');
  clock.tell(0, training.length, 'samples');
  const pace = new Pace('the run', signal);
  const { losses, ranksUsed = {} } = await recipe.targets(config, base.config, teacher, pace);
  await clock.aside(between);

  clock.begin('compile');
  clock.tell(0, 2, 'programs');
  return Owned.while(async (owned) => {
    const model = owned.add(models.use(base));
    const parameters = parametersOf(recipe, config, model.config);
    const tape = new Tape(parameters, batch, config.seed);
    recipe.record(tape, { config, layout, losses });
    const { studentId: id, methods } = context;
    const packs = parameters.initial(new Rng(config.seed), embeddingOf(model));
    const student = studentBy(recipe, config, parameters, {
      ...{ id, methods, packs, roles },
      lengths: longestOf(layout, decoded),
    });
    const { keepBest } = config.evaluation;
    const state = from && adapterOf(from, parameters);
    const adapter = owned.add(new TrainedAdapter(runtime, model.config, student, keepBest, state));
    // On WebGPU the losses and AdamW are shaders between small programs; on WASM one program per step is fastest.
    const step = owned.add(
      device
        ? await compileLayerwise(model, tape, { device, between })
        : await compileWhole(model, tape, 'training step'),
    );
    await clock.aside(between);
    clock.tell(1, 2, 'programs');
    const moments = from && momentsOf(from, parameters);
    const optimiser = owned.add(
      device
        ? await gpuOptimiser(device, adapter.packs, config.optimiser, parameters.all, moments)
        : hostOptimiser(adapter.packs, config.optimiser, parameters.all, moments),
    );
    const decoder = owned.add(
      await decoderFor(models, base, {
        batch: decodedBatch,
        question: decoded.question,
        capacity: capacityFor(decoded, reasoning),
        parameters: student.parameters,
        reasoning,
      }),
    );
    decoder.setParameters(adapter.packs);
    clock.tell(2, 2, 'programs');
    return {
      ...{ step, losses, ranksUsed, adapter, optimiser, parameters, decoder, layout, decoded },
      dispose: () => owned.dispose(),
    };
  });
}

/** Everything that a configuration trains. */
export const parametersOf = (recipe: Recipe, config: RunConfig, model: DecoderConfig): ParameterSet =>
  new ParameterSet(model, recipe.adapters(config), recipe.modules?.(config, model) ?? []);

/** A student of a configuration, untrained but for its values. */
export const studentBy = (
  recipe: Recipe,
  config: RunConfig,
  parameters: ParameterSet,
  { methods, ...own }: Pick<Student, 'id' | 'packs' | 'roles' | 'lengths'> & { readonly methods: Methods },
): Student => ({
  ...own,
  label: labelOf(config, methods),
  config,
  step: 0,
  parameters: parameters.specs,
  reasoning: recipe.reasoning(config, parameters.config),
});

/** The parameters as the snapshot left them. */
function adapterOf({ header, values }: OpenedSnapshot, { all }: ParameterSet) {
  const { step, kept } = header;
  return {
    step,
    values: values('parameters', all),
    best: kept && { ...kept, values: values('kept', all) },
  };
}

const momentsOf = ({ header, values }: OpenedSnapshot, { all }: ParameterSet) => ({
  step: header.step,
  first: values('first', all),
  second: values('second', all),
});
