/** What kill tests need of the page: a run started from a configuration, and its steps as the engine reports them. */

/** In the page: hands every step that the engine reports to `noteStep`, at once, before the page shows it. */
const reportSteps = () => {
  const Real = globalThis.Worker;
  globalThis.Worker = class extends Real {
    constructor(address, options) {
      super(address, options);
      if (options?.name !== 'engine') return;
      this.addEventListener('message', ({ data }) => {
        if (data?.kind === 'event' && data.event?.kind === 'step') void globalThis.noteStep(data.event.step);
      });
    }
  };
};

/** Counts the steps of a run across pages and browsers. Setting `last` to 0 begins anew. */
export function countSteps() {
  let last = 0;
  let first = 0;
  return {
    get last() {
      return last;
    },
    set last(value) {
      last = value;
      first = 0;
    },
    /** The first step since then. */
    get first() {
      return first;
    },
    /** Before any page is opened in the context; once a context. */
    async watch(context) {
      if (context.isWatched) return;
      context.isWatched = true;
      await context.exposeFunction('noteStep', (step) => {
        last = Math.max(last, step);
        first ||= step;
      });
      await context.addInitScript(reportSteps);
    },
    /** Resolves to the last step once it is `step` or a later one. */
    async reach(step, limit) {
      const until = Date.now() + limit;
      while (last < step) {
        if (Date.now() > until)
          throw new Error(`step ${step} was not reached within ${limit / 1000} s: ${last}`);
        await new Promise((done) => setTimeout(done, 5));
      }
      return last;
    },
  };
}

/** Puts a run's configuration into the form of the Distil place. */
export async function fillFrom(page, config) {
  await page
    .locator('input[type=file]')
    .first()
    .setInputFiles({
      name: 'run.json',
      mimeType: 'application/json',
      buffer: Buffer.from(JSON.stringify(config)),
    });
  await page.getByText(/run\.json is loaded into the form/).waitFor();
}

export const start = (page) => page.getByRole('button', { name: /^Start / }).click();

/** Starts a run with this configuration there. */
export async function startFrom(page, config) {
  await fillFrom(page, config);
  await start(page);
}
