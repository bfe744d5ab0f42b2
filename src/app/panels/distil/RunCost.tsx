import { useEffect, useState } from 'react';
import {
  estimateAsRun,
  HOST_BYTES,
  inHeap,
  type Purpose,
  storageThatFits,
  whatFits,
} from '../../../contract/memory';
import { methodOf } from '../../../contract/methods/index';
import { stagesLeftOut } from '../../../contract/methods/method';
import type { RunCost as Cost, EvaluationSeconds, TeacherReading } from '../../../contract/run-cost';
import { STORAGE_SHORT } from '../../../contract/weight-storage';
import { useActions, useApp } from '../../store/use-app';
import { useSettled } from '../../store/use-settled';
import { Notice } from '../../ui/ErrorNotice';
import { bytes, duration, integer } from '../../ui/format';
import { type KeptWords, keptWords } from './kept-words';

/** Seconds above which a run is not something to wait for. */
const LONG = 1800;

/** What the run of the form takes, before it is started. */
export function RunCost() {
  const draft = useApp((state) => state.draft);
  const opened = useApp((state) => state.lens.opened.value);
  const rows = useApp((state) => state.data.report.value);
  const device = useApp((state) => state.device.value);
  const teacher = useApp((state) => state.teacher);
  const pair = useApp((state) => state.pair.value);
  const cost = useApp((state) => state.cost);
  const { estimateRun } = useActions();
  useSettled(() => estimateRun(), [draft, opened, rows, device, pair, teacher]);
  if (cost.status === 'failed')
    return (
      <p className="field-error" role="status">
        This run would be refused: {cost.error.message}. {cost.error.hint}
      </p>
    );
  // It is known of the settings alone, before anything is loaded.
  if (cost.value === null) return <Stages />;
  return (
    <section aria-label="What this run takes" className="run-cost">
      <Stages />
      <Memory cost={cost.value} />
      <Time cost={cost.value} />
      <Kept bytes={cost.value.kept} />
    </section>
  );
}

/** Stages of a curriculum that the run is too short for. */
function Stages() {
  const draft = useApp((state) => state.draft);
  const methods = useApp((state) => state.methods);
  const text = stagesLeftOut(methodOf(draft.method, methods), draft);
  return text === '' ? null : <Notice kind="warning">{text}</Notice>;
}

function Memory({ cost: { memory, composition, batch, tokens, storage, reading } }: { readonly cost: Cost }) {
  const { parts, available, purpose } = memory;
  const used = inHeap(memory);
  const of = available === undefined ? '' : ` of the ${bytes(available)} that WASM has`;
  if (composition === null) return <Refused purpose={purpose} />;
  const isFull = purpose.kind === 'distil' && purpose.weights === true;
  const trained =
    isFull && available !== undefined
      ? 'trained weights and gradients inside programs; outside: values, gradients, both moments and a copy'
      : `${isFull ? 'trained weights' : 'adapters'} with gradients and moments`;
  const kept = `weights in ${STORAGE_SHORT[storage]}${storage === 'f32' ? '' : ', as they are opened'}`;
  return (
    <p className="help">
      Memory of a step of {batch} × {tokens} tokens, estimated: about {bytes(used)}
      {of}
      {parts.host > 0 && ` and ${bytes(parts.host)} outside it`}
      {memory.kept > 0.05 * used &&
        `, up to ${bytes(used + memory.kept)} with other programs of the run, which are kept while memory allows`}{' '}
      ({parts.weights > 0 && `${bytes(parts.weights)} ${kept}, `}
      {bytes(parts.activations)} activations, {bytes(parts.adapters)} {trained}), as{' '}
      {composition === 'whole'
        ? 'one program'
        : 'small programs shared by the layers, since one does not fit'}
      .{reading && ` ${readingText(reading)}`}
    </p>
  );
}

/** A step that fits neither as one program nor by layers, and what would in its place. */
function Refused({ purpose }: { readonly purpose: Purpose }) {
  const provider = useApp((state) => state.device.value?.provider);
  const opened = useApp((state) => state.lens.opened.value);
  const base = useApp((state) => state.pair.value?.models.find(({ role }) => role === 'base'));
  const isOpened = useApp((state) => state.draft.roles.student === 'opened');
  const model = isOpened ? opened : base;
  const step = `A step of ${purpose.sequences} × ${purpose.tokens} tokens`;
  if (!model || provider === undefined)
    return (
      <p className="field-error">
        {step} does not fit: the run would be refused. {OTHERWISE}
      </p>
    );
  const memory = estimateAsRun(model, provider, purpose);
  const { available, parts } = memory;
  const other = whatFits(model, provider, purpose);
  const storage = storageThatFits(model, provider, purpose);
  return (
    <p className="field-error">
      {step} takes about {bytes(inHeap(memory))}
      {available !== undefined && ` of the ${bytes(available)} that WASM has`}
      {parts.host > HOST_BYTES &&
        `, and ${bytes(parts.host)} outside it, where a page has about ${bytes(HOST_BYTES)}`}
      , even by layers: the run would be refused.{' '}
      {other && `${other.sequences} × ${other.tokens} tokens would fit. `}
      {storage &&
        `With layer matrices in ${STORAGE_SHORT[storage]} it would fit as it is, and train on rounded weights. `}
      {purpose.kind === 'distil' && purpose.weights && 'Adapters take less than all weights. '}
      {OTHERWISE}
    </p>
  );
}

const OTHERWISE = 'Choose a smaller batch, shorter rows, a smaller model or WebGPU.';

/** What keeping the run takes, before it is started. */
function Kept({ bytes: kept }: { readonly bytes: number }) {
  const shelf = useApp((state) => state.kept);
  const { studentRoom } = useActions();
  const [words, setWords] = useState<KeptWords | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is left changes with what is kept
  useEffect(() => {
    let isCurrent = true;
    void studentRoom().then((room) => isCurrent && setWords(keptWords(kept, room)));
    return () => {
      isCurrent = false;
    };
  }, [kept, shelf, studentRoom]);
  return words && <p className={words.isWarning ? 'field-error' : 'help'}>{words.text}</p>;
}

/** How the teacher is read, in a sentence. */
const readingText = ({ states, held, readings, bytes: kept }: TeacherReading): string =>
  held
    ? `Before that, ${bytes(states)} of the teacher’s hidden states.`
    : `Before that the teacher is read ${readings > 1 ? 'twice' : 'once'}, one row at a time: its hidden states would take ${bytes(states)}, so only one row’s are held at a time, and ${bytes(kept)} of sums, moments and anchors are kept.`;

const MEASURED: readonly (readonly [Exclude<keyof EvaluationSeconds, 'all'>, string])[] = [
  ['validation', 'validation'],
  ['heldOut', 'the held-out problems'],
  ['written', 'these with written rationales'],
  ['teacher', 'these by the teacher'],
  ['observation', 'observation'],
];

/** How much of a run's time goes into measuring it, and into what. */
function evaluationText(seconds: EvaluationSeconds): string {
  if (seconds.all === 0) return 'without any evaluation';
  const parts = MEASURED.filter(([part]) => seconds[part] > 0).map(
    ([part, name]) => `${name} ${duration(1000 * seconds[part])}`,
  );
  return `of which evaluation ${duration(1000 * seconds.all)} (${parts.join(', ')})`;
}

function Time({ cost: { seconds, data, teacher } }: { readonly cost: Cost }) {
  const isOnGpu = useApp((state) => state.device.value?.provider === 'webgpu');
  if (seconds === null)
    return <p className="help">How long a step takes on this GPU is not known before it runs.</p>;
  const { step, teacher: reading, evaluation, all } = seconds;
  return (
    <>
      <p className="help">
        Time, estimated from the number of operations: about {duration(1000 * step)} per step
        {teacher !== null &&
          `, ${duration(1000 * reading)} to read ${integer(data.training.length)} rows by the teacher`}
        , {duration(1000 * all)} in all, {evaluationText(evaluation)}.
      </p>
      {all > LONG && (
        <p className="help">
          This is too long to wait for here: {isOnGpu ? '' : 'WebGPU, '}a smaller model, fewer steps or
          shorter rows take less.
        </p>
      )}
    </>
  );
}
