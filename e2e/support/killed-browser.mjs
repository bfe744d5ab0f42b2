import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright';
import { runnerImport } from 'vite';
import { chromiumArgs, findChromium } from '../../scripts/tools/find-chromium.mjs';
import { countSteps } from './run-page.mjs';

/** The ways in which a run ends, by provider: only on WebGPU does one end with the GPU process. */
export const KINDS = {
  wasm: ['reload', 'close', 'crash', 'worker', 'browser'],
  webgpu: ['gpu', 'reload', 'close', 'crash', 'worker', 'browser'],
};

/** Milliseconds for what a loaded machine takes a long time for. */
export const LONG = 240_000;

const root = resolve(import.meta.dirname, '../..');

/** A pair with random weights, for a software adapter that would take minutes for the shaders of a useful one. */
async function serveTinyPair(context) {
  const { module } = await runnerImport(join(root, 'src/engine/testing/tiny-pair.testing.ts'), {
    configFile: false,
    logLevel: 'error',
  });
  const files = await module.tinyPair(module.SMALLEST);
  await context.route('**/models/**', (route) => {
    const path = new URL(route.request().url()).pathname.replace(/^.*\/models\//, '');
    const bytes = files.get(path);
    return bytes ? route.fulfill({ body: Buffer.from(bytes) }) : route.fulfill({ status: 404 });
  });
}

/** A browser whose storage, in the folder `profile`, outlives it. */
export class KilledBrowser {
  constructor(profile, address, provider) {
    this.profile = profile;
    this.address = address;
    this.provider = provider;
    this.steps = countSteps();
  }

  async open() {
    if (!this.context) {
      this.context = await chromium.launchPersistentContext(this.profile, {
        executablePath: findChromium(),
        // Else a browser whose GPU process ends often goes on without one, and keeps WebGPU for two minutes from a site that
        // lost it twice within two.
        args: [...chromiumArgs, '--disable-gpu-process-crash-limit', '--disable-domain-blocking-for-3d-apis'],
      });
      if (this.provider === 'webgpu') await serveTinyPair(this.context);
    }
    await this.steps.watch(this.context);
    this.page = await this.context.newPage();
    this.page.setDefaultTimeout(LONG);
    this.page.on('dialog', (dialog) => void dialog.accept().catch(() => {}));
    if (this.provider === 'webgpu' && !this.isChosen) {
      await this.page.goto(`${this.address}#/model`);
      await this.page.getByRole('radio', { name: 'WebGPU' }).click();
      await this.page.getByText(/swiftshader.*\(software\)/).waitFor();
      this.isChosen = true;
    }
    await this.page.goto(`${this.address}#/distil`);
    return this.page;
  }

  /** Ends the run in the page. @returns the page on which it is offered */
  async end(kind) {
    const { page } = this;
    if (kind === 'reload') {
      await page.reload();
      return page;
    }
    if (kind === 'worker') {
      const engine = page.workers().find((worker) => /\/host-[^/]*\.js/.test(worker.url()));
      // It closes before it can answer.
      void engine.evaluate(() => globalThis.close()).catch(() => {});
      return page;
    }
    if (kind === 'gpu') {
      const session = await this.context.browser().newBrowserCDPSession();
      // It never returns: the process it is sent to is gone.
      void session.send('Browser.crashGpuProcess').catch(() => {});
      return page;
    }
    if (kind === 'crash') {
      const session = await this.context.newCDPSession(page);
      const crashed = page.waitForEvent('crash');
      void session.send('Page.crash').catch(() => {});
      await crashed;
    }
    if (kind === 'browser') await this.kill();
    else await page.close();
    return this.open();
  }

  /** Ends the whole browser at once, as a power cut would. */
  async kill() {
    const closed = new Promise((done) => this.context.once('close', done));
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        if (line.includes(`--user-data-dir=${this.profile}`) && !line.includes('--type='))
          process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
    await closed;
    this.context = undefined;
  }

  async close() {
    await this.context?.close();
    this.context = undefined;
  }
}
