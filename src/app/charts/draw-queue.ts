/**
 * One queue for the drawings of all charts, so that the page spends only a limited share of its time on them, however many
 * there are and however fast their data grows. Drawing and training share the processor.
 */

/** Share of the main thread's time that redrawing may take. */
const SHARE = 0.15;
/** Maximum milliseconds that a drawing waits for an idle moment. */
const PATIENCE = 500;
/**
 * Maximum milliseconds that the queue rests after a drawing. A drawing may seem to have taken long because the browser painted
 * nothing for a while (a hidden tab, a busy machine); that must not silence all charts for many times as long.
 */
const MAX_REST = 2000;

interface Job {
  readonly draw: () => void;
  /** A chart that shows nothing yet does not wait for the others. */
  readonly isFirst: boolean;
}

const waiting = new Set<Job>();
let isScheduled = false;
let nextAt = 0;

const whenIdle = (work: () => void) => {
  // Safari has no requestIdleCallback.
  if (typeof requestIdleCallback === 'function') requestIdleCallback(work, { timeout: PATIENCE });
  else setTimeout(work, 0);
};

/** After the frame in which the drawing has been laid out and painted, or after a while where no frame comes. */
const whenPainted = (work: () => void) => {
  let isDone = false;
  const once = () => {
    if (!isDone) work();
    isDone = true;
  };
  requestAnimationFrame(() => setTimeout(once, 0));
  setTimeout(once, MAX_REST);
};

function schedule(): void {
  if (isScheduled || waiting.size === 0) return;
  isScheduled = true;
  const isUrgent = [...waiting].some(({ isFirst }) => isFirst);
  const delay = isUrgent ? 0 : Math.max(0, nextAt - performance.now());
  setTimeout(() => whenIdle(next), delay);
}

function next(): void {
  const jobs = [...waiting];
  const job = jobs.find(({ isFirst }) => isFirst) ?? jobs[0];
  const go = () => {
    isScheduled = false;
    schedule();
  };
  if (!job) {
    go();
    return;
  }
  waiting.delete(job);
  const from = performance.now();
  try {
    job.draw();
  } finally {
    whenPainted(() => {
      const now = performance.now();
      nextAt = now + Math.min(MAX_REST, (now - from) * (1 / SHARE - 1));
      go();
    });
  }
}

/** Queues a drawing. @returns a function that removes it from the queue */
export function queueDrawing(draw: () => void, isFirst: boolean): () => void {
  const job = { draw, isFirst };
  waiting.add(job);
  schedule();
  return () => void waiting.delete(job);
}
