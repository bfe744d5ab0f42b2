import type { RunConfig } from '../../../contract/config';
import type { Accuracy } from '../../../contract/events';
import { bytesBeside, compositionFor } from '../../../contract/memory';
import { stageAt } from '../../../contract/methods/curriculum';
import type { Methods } from '../../../contract/methods/method';
import { labelOf } from '../../../contract/presets';
import type { TeacherReading } from '../../../contract/run-cost';
import { Owned } from '../../base/owned';
import { Rng } from '../../base/rng';
import type { TokenLayout } from '../../base/tokens';
import type { TokenProblem } from '../../data/tokens';
import type { Decoder } from '../../decode/decoder';
import { feedsOf } from '../../decode/reason';
import type { Reasoning } from '../../decode/reasoning';
import { initialWeights } from '../../model/initial-weights';
import type { ParameterSet } from '../../nn/parameter-set';
import type { Recipe, Targets } from '../../recipes/shared/recipe';
import { parametersOf } from '../../recipes/shared/trained';
import { accumulated } from '../../train/accumulate';
import { compileWhole } from '../../train/compile-whole';
import { gpuOptimiser } from '../../train/gpu-optimiser';
import { compileLayerwise } from '../../train/layerwise/compile';
import { hostOptimiser } from '../../train/optimiser';
import type { TapeRun } from '../../train/step';
import { Tape } from '../../train/tape/tape';
import { refuseUnlessFits, sizesOf } from '../models/fits';
import { TrainedAdapter } from './adapter';
import { refuseUnlessBindable } from './bindable';
import type { PhaseClock } from './clock';
import type { RunContext } from './context';
import { Curriculum } from './curriculum';
import { decodedSizes } from './decoded-sizes';
import { planOf, type RunPlan, readingOf } from './plan';
import { openPolicy, policySizes } from './policy-open';
import type { RunData } from './run-data';
import type { OpenedSnapshot } from './snapshot-file';
import { stagesOf } from './stages';
import { decoderFor, type Student } from './student';
import { leaveTeacher, targetsOf } from './targets';

/** What a run needs to compute; made by `prepare`, freed by `dispose`. */
export interface Machinery {
  /** The step of the run's current stage, and its optimiser. */
  readonly curriculum: Curriculum;
  readonly losses: Targets['losses'];
  /** The training samples' tokens, as the method reads them. */
  readonly trained: readonly TokenProblem[];
  readonly ranksUsed: Readonly<Record<string, number>>;
  readonly adapter: TrainedAdapter;
  /** What is trained, in the order of the adapter's packs. */
  readonly parameters: ParameterSet;
  readonly decoder: Decoder;
  /** Depends only on the training data, so that nothing else can change a bit of training. */
  readonly layout: TokenLayout;
  /** The layout of everything that is decoded. */
  readonly decoded: TokenLayout;
  /** For a teacher that is another model, its accuracy, measured before it left the device. */
  readonly teacherAccuracy: Accuracy | undefined;
  dispose(): Promise<void>;
}

export interface PrepareOptions {
  readonly clock: PhaseClock;
  /** Awaited between pieces of work: it waits while the run is paused, and rejects when it is cancelled. */
  readonly between: () => Promise<void>;
  readonly signal: AbortSignal | undefined;
  /** Receives the sizes of what is trained and decoded, and how the teacher is read, before anything is computed. */
  readonly onPlan?: (plan: RunPlan, reading: TeacherReading | null, decoded: TokenLayout) => void;
  /** The snapshot from which a resumed run continues. */
  readonly from?: OpenedSnapshot | undefined;
}

const longestOf = (a: TokenLayout, b: TokenLayout): TokenLayout => ({
  ...a,
  question: Math.max(a.question, b.question),
  answer: Math.max(a.answer, b.answer),
  explicit: Math.max(a.explicit, b.explicit),
});

/** The teacher's hidden states, targets, programs. Frees everything if it fails. */
export async function prepare(
  context: RunContext,
  config: RunConfig,
  recipe: Recipe,
  data: RunData,
  { clock, between, signal, onPlan, from }: PrepareOptions,
): Promise<Machinery> {
  const { runtime, models, device, roles } = context;
  const { student: base, codec } = roles;
  const { training, heldOut, used } = data;
  const plan = planOf(config, recipe, roles, stagesOf(config, context.methods), { training });
  const { batch, trained, layout, stages, reasonings, purpose } = plan;
  const reasoning = reasonings.at(-1) as Reasoning;
  const sizes = sizesOf(base.config);
  refuseUnlessBindable(context, recipe, config);
  refuseUnlessFits(base.config, runtime.provider, purpose, 'training');
  const composition = compositionFor(sizes, runtime.provider, purpose);
  const { decoded, capacity, isIdle } = decodedSizes(context, config, data, reasonings);
  const tokens = { problems: trained, layout, codec };
  const inputs = (stage: number) => recipe.inputs?.(config, tokens, stage);
  reasonings.forEach((each, stage) => {
    const own = inputs(stage);
    if (own?.draw) policySizes(runtime.provider, base, { layout, sizes: own.sizes, reasoning: each });
  });

  const reading = recipe.usesTeacher(config)
    ? readingOf(config, recipe, training, roles, context.heldStatesBytes)
    : null;
  onPlan?.(plan, reading, decoded);
  const { losses, ranksUsed = {} } = await targetsOf({
    ...{ context, config, recipe, training, layout, reading, clock, between, signal },
  });
  const teacherAccuracy = await leaveTeacher({ context, clock, data, signal });

  clock.begin('compile');
  clock.tell(0, 2, 'programs');
  return Owned.while(async (owned) => {
    const model = owned.add(models.use(base));
    const parameters = parametersOf(recipe, config, model.config, tokens);
    const { studentId: id, methods } = context;
    const packs = parameters.initial(new Rng(config.seed), initialWeights(model));
    const begun = from?.header.step ?? 0;
    const student = studentBy(config, parameters, {
      ...{ id, methods, packs, roles },
      // As in the stage of the last step: at a boundary the run has yet to enter the next one.
      reasoning: reasonings[stageAt(stages, Math.max(0, begun - 1))] as Reasoning,
      lengths: longestOf(layout, decoded),
      examples: { training, heldOut, used },
    });
    const { keepBest } = config.evaluation;
    const state = from && adapterOf(from, parameters);
    const adapter = owned.add(new TrainedAdapter(runtime, model.config, student, keepBest, state));
    const epoch = Math.ceil(training.length / (batch * config.optimiser.accumulation));
    const startsAnew = (t: number, stageBegins: boolean): boolean =>
      recipe.startsAnew?.(config, { step: t, stageBegins, epochBegins: t % epoch === 0 }) ?? false;
    const past = Array.from({ length: Math.max(0, begun - 1) }, (_, i) => i + 1);
    const since = past.findLast((t) => startsAnew(t, stages[stageAt(stages, t)]?.from === t)) ?? 0;
    let moments = from && momentsOf(from, parameters, since);
    let known = from?.has('reference') ? from.values('reference', parameters.all) : undefined;
    const beside = bytesBeside(sizes, runtime.provider, { ...purpose, composition: 'whole' });
    // On WebGPU the losses and AdamW are shaders between small programs; on WASM one program per step is fastest if it fits.
    const compile = (tape: Tape, name: string): Promise<TapeRun> =>
      composition === 'whole'
        ? compileWhole(model, tape, name, beside)
        : compileLayerwise(model, tape, { ...(device && { device }), between });
    const shapes = parameters.all.map(({ shape }) => shape);
    const groups = parameters.groups(config.optimiser.moduleRate);
    const optimised = recipe.optimised?.bind(recipe);
    const curriculum = owned.add(
      new Curriculum({
        stages,
        recordingOf: (stage) => recipe.recordingOf?.(config, stage) ?? `${stage}`,
        inputs,
        reasoning: (stage) => reasonings[stage] as Reasoning,
        async compile(stage, sizes) {
          const tape = new Tape(parameters, batch, config.seed);
          recipe.record(tape, { config, layout, losses, sizes, stage });
          const single = await compile(tape, 'training step');
          return accumulated(runtime, single, shapes, config.optimiser.accumulation);
        },
        policy(stage, sizes) {
          const values = known;
          known = undefined;
          const { recordReference } = recipe;
          return openPolicy({
            ...{ context, model, parameters, adapter, layout, sizes, known: values, signal },
            reasoning: reasonings[stage] as Reasoning,
            record:
              recordReference && ((tape) => recordReference(tape, { config, layout, losses, sizes, stage })),
            compile: (tape) => compile(tape, 'reference'),
          });
        },
        async optimiser(stage) {
          // The snapshot's moments are for the optimiser that continues from it, not for a restarted one.
          const earlier = moments;
          moments = undefined;
          const spec = { ...config.optimiser, ...optimised?.(config, stage) };
          return device
            ? gpuOptimiser(device, adapter.packs, spec, groups, earlier)
            : hostOptimiser(adapter.packs, spec, groups, earlier);
        },
        optimised: optimised && ((stage) => optimised(config, stage)),
        startsAnew,
      }),
    );
    const decoder = owned.add(
      await decoderFor(models, base, {
        ...{ batch: decoded.batch, question: decoded.question, capacity, isIdle },
        parameters: student.parameters,
        reasoning,
      }),
    );
    if (!isIdle) await decoder.prepare(reasonings.flatMap(feedsOf));
    decoder.setParameters(adapter.packs);
    await clock.aside(between);
    clock.tell(1, 2, 'programs');
    // Last, so that with a large model, whose programs evict each other, those of the first step remain.
    await curriculum.enter(begun);
    clock.tell(2, 2, 'programs');
    return {
      ...{ curriculum, losses, trained, ranksUsed, adapter, parameters, decoder, layout, decoded },
      teacherAccuracy,
      dispose: () => owned.dispose(),
    };
  });
}

/** A student with this configuration, untrained except for its given values. */
export const studentBy = (
  config: RunConfig,
  parameters: ParameterSet,
  {
    methods,
    ...own
  }: Pick<Student, 'id' | 'packs' | 'reasoning' | 'roles' | 'lengths' | 'examples'> & {
    readonly methods: Methods;
  },
): Student => ({
  ...own,
  label: labelOf(config, methods),
  config,
  step: 0,
  parameters: parameters.specs,
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

/** @param since the step, from 0, at which the optimiser was last restarted */
const momentsOf = ({ header, values }: OpenedSnapshot, { all }: ParameterSet, since: number) => ({
  step: header.step - since,
  first: values('first', all),
  second: values('second', all),
});
