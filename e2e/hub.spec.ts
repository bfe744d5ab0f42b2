import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { expect, expectAccessible, test } from './support/app';
import { DATA_SET, type Hub, MODEL, SPLIT_ROWS, startHub } from './support/hub';

let hub: Hub;
test.beforeEach(async () => {
  hub = await startHub();
});
test.afterEach(() => hub.close());

/** The limits of a download, as its start message has them, made short: nobody wants to watch 20 s without a byte. */
const shortWaits = () => {
  const { postMessage } = Worker.prototype;
  Worker.prototype.postMessage = function (this: Worker, message: unknown, ...rest: unknown[]) {
    const { kind, limits } = (message ?? {}) as { kind?: string; limits?: object };
    const sent =
      kind === 'start' && limits
        ? { ...(message as object), limits: { ...limits, stall: 1000, pause: 100 } }
        : message;
    return (postMessage as (...args: unknown[]) => void).call(this, sent, ...rest);
  } as typeof postMessage;
};

/** Hosts other than the page's own that were asked for anything. */
function outside(page: Page): string[] {
  const asked: string[] = [];
  const own = new URL(page.url()).host;
  page.context().on('request', (request) => {
    const { host, protocol } = new URL(request.url());
    if (protocol.startsWith('http') && host !== own) asked.push(host);
  });
  return asked;
}

const tab = (page: Page, name: RegExp | string) => page.getByRole('tab', { name });

async function lookUp(page: Page): Promise<void> {
  await tab(page, 'Mirror').click();
  await page.getByLabel('Address of the mirror').fill(hub.base);
  await page.getByRole('textbox', { name: 'Model', exact: true }).fill(MODEL);
  await page.getByRole('button', { name: /^Look it up/ }).click();
}

const opened = (page: Page) => page.getByRole('heading', { name: /^Opened: / });

test('a model is looked up, agreed to, downloaded over a bad network and a reload, opened offline, deleted', async ({
  page: app,
  complaints,
  context,
}) => {
  complaints.allow(/429|ERR_|net::|Failed to load resource/);
  await app.addInitScript(shortWaits);
  await app.goto('./#/model');
  const asked = outside(app);
  await tab(app, 'Mirror').click();
  await app.getByLabel('Address of the mirror').fill(hub.base);
  expect(asked).toEqual([]);
  await lookUp(app);
  const agree = app.getByRole('button', { name: 'Download and open' });
  await expect(agree).toBeVisible();
  // The list of files and config.json, and nothing else before it was agreed to.
  expect(hub.seen).toEqual([
    `api GET /api/models/${MODEL}/revision/main?blobs=true 200`,
    expect.stringMatching(/^api GET .*\/config\.json 302$/),
    'cdn GET /config.json 200',
  ]);
  await expect(
    app.getByRole('heading', { name: /^Download [\d.]+ MB from 127\.0\.0\.1:\d+\?$/ }),
  ).toBeVisible();
  await expect(app.getByRole('heading', { name: 'Estimated memory' })).toBeVisible();
  await expectAccessible(app);

  hub.faults.push(
    // Shown for longer than the second between two looks.
    { kind: 'busy', status: 429, seconds: 3 },
    { kind: 'cut', after: 300_000 },
    { kind: 'stall', after: 200_000 },
  );
  hub.speed = 400_000;
  await agree.click();
  await expect(app.getByText(/asks to wait \(429\): next attempt in 3\.0 s/)).toBeVisible();
  await expect
    .poll(() => hub.seen.filter((line) => /bytes=[1-9]/.test(line)).length, { timeout: 60_000 })
    .toBeGreaterThanOrEqual(4);

  // In the middle of the file, of which no more than a little comes now, the page goes away.
  hub.speed = 1000;
  await app.reload();
  hub.speed = 0;
  const before = hub.seen.length;
  await tab(app, /^Stored/).click();
  await expect(app.getByText(/unfinished/)).toBeVisible();
  await expectAccessible(app);
  expect(hub.seen.length).toBe(before);
  // While it was away, the host has put the file anew under another ETag: what is here of it is not trusted.
  hub.faults.push({ kind: 'etag' });
  await app.getByRole('button', { name: `Resume ${MODEL}` }).click();
  await expect(opened(app)).toBeVisible({ timeout: 60_000 });
  const weights = hub.seen
    .slice(before)
    .filter((line) => line.startsWith('cdn') && line.includes('model.safetensors'));
  expect(weights).toEqual([
    expect.stringMatching(/206 bytes=\d+-$/),
    expect.stringMatching(/model\.safetensors 200$/),
  ]);
  expect(hub.seen.slice(before).some((line) => line.includes('tokenizer.json'))).toBe(false);

  // Without its host, and without a network once the page is loaded, it opens again.
  await hub.close();
  await app.reload();
  await expect(app.getByRole('heading', { name: /^Base: / })).toBeVisible({ timeout: 60_000 });
  await context.setOffline(true);
  await tab(app, /^Stored/).click();
  await app.getByRole('button', { name: `Open ${MODEL}` }).click();
  await expect(opened(app)).toBeVisible({ timeout: 60_000 });
  await expect(app.getByText(`Opened from this browser’s storage: ${MODEL}`)).toBeVisible();

  // What is open is not deleted; after a reload it is.
  await app.getByRole('button', { name: `Delete ${MODEL}` }).click();
  await app.getByRole('button', { name: `Delete ${MODEL} for good` }).click();
  await expect(app.getByRole('alert')).toContainText('open in this tab');
  await context.setOffline(false);
  await app.reload();
  await tab(app, /^Stored/).click();
  await app.getByRole('button', { name: `Delete ${MODEL}` }).click();
  await app.getByRole('button', { name: `Delete ${MODEL} for good` }).click();
  await expect(app.getByText(/No model is stored/)).toBeVisible();
});

test('a second tab says that the first one is downloading; a link asks and fetches nothing; a token stays with the Hub', async ({
  app,
  complaints,
  context,
}) => {
  complaints.allow(/404|Failed to load resource/);
  // Far from its end until it is cancelled.
  hub.speed = 5000;
  await lookUp(app);
  await app.getByRole('button', { name: 'Download and open' }).click();
  await expect(app.getByRole('button', { name: 'Cancel download' })).toBeVisible();

  const other = await context.newPage();
  await other.goto('./#/model');
  await lookUp(other);
  await other.getByRole('button', { name: /^Download (and open|the rest)/ }).click();
  await expect(other.getByRole('alert')).toContainText('in another tab');
  await tab(other, /^Stored/).click();
  await expect(other.getByText('downloading in another tab')).toBeVisible();
  await other.close();

  await app.getByRole('button', { name: 'Cancel download' }).click();
  await expect(app.getByRole('button', { name: 'Cancel download' })).toBeHidden();
  await tab(app, /^Stored/).click();
  await app.getByRole('button', { name: `Delete what is here of ${MODEL}` }).click();
  await app.getByRole('button', { name: /for good$/ }).click();
  await expect(app.getByText(/No model is stored/)).toBeVisible();

  const asked = outside(app);
  await app.goto('./#/model?model=org/name@v1');
  await expect(
    app.getByText(/The link asks for org\/name@v1 from huggingface\.co\. Nothing has been fetched/),
  ).toBeVisible();
  await app.waitForTimeout(500);
  expect(asked).toEqual([]);

  await app.goto('./#/data?data-set=org/name&data-config=main&data-split=train&data-rows=20&data-rule=text');
  await expect(
    app.getByText(/The link asks for the first 20 rows of org\/name \(main, train\).*not here yet/),
  ).toBeVisible();
  await expect(app.getByRole('textbox', { name: 'Name', exact: true })).toHaveValue('org/name');
  await app.waitForTimeout(500);
  expect(asked).toEqual([]);
  await app.goto('./#/model?model=org/name@v1');

  // The Hub itself is not to be had here: its place is taken by ours, under its own name.
  await context.route('https://huggingface.co/**', async (route) => {
    const url = new URL(route.request().url());
    if (url.pathname.startsWith('/api/'))
      await route.fulfill({ headers: { 'Access-Control-Allow-Origin': '*' }, json: listingOf() });
    else
      await route.fulfill({
        status: 302,
        headers: { 'Access-Control-Allow-Origin': '*', Location: `${hub.base}/elsewhere` },
      });
    sent.push(`${url.pathname} ${(await route.request().allHeaders()).authorization ?? 'no token'}`);
  });
  const sent: string[] = [];
  await app.getByText(/^Access token for gated models/).click();
  await app.getByLabel('Access token', { exact: true }).fill('hf_secret');
  await app.getByRole('button', { name: 'Look it up on huggingface.co' }).click();
  await expect(app.getByRole('alert')).toContainText('404');
  expect(sent).toEqual([
    '/api/models/org/name/revision/v1 Bearer hf_secret',
    expect.stringMatching(/config\.json Bearer hf_secret$/),
  ]);
  // The redirect led to another origin, and there without the token.
  expect(hub.seen.at(-1)).toMatch(/GET \/elsewhere 404/);
  expect(hub.tokens).toEqual([]);
  const kept = await app.evaluate(() =>
    JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]),
  );
  expect(kept).not.toContain('hf_secret');
});

const listingOf = () => ({
  id: 'org/name',
  sha: 'd'.repeat(40),
  siblings: ['config.json', 'tokenizer.json', 'model.safetensors'].map((rfilename) => ({
    rfilename,
    size: 100,
    blobId: 'e'.repeat(40),
  })),
});

test('a published student without a config.json of its own opens by its name while its base is open', {
  tag: '@slow',
}, async ({ app, complaints, context }) => {
  complaints.allow(/Failed to load resource/);
  const files = new Map([
    ['config.json', Buffer.alloc(0)],
    ['model-00001-of-00001.safetensors', studentOf(readFileSync('models/base/model.safetensors'))],
  ]);
  const asked: string[] = [];
  await context.route('https://huggingface.co/**', async (route) => {
    const { pathname } = new URL(route.request().url());
    const headers = { 'Access-Control-Allow-Origin': '*' };
    asked.push(pathname.replace(/^.*\//, ''));
    const siblings = [...files].map(([rfilename, { length: size }]) => ({ rfilename, size }));
    if (pathname.startsWith('/api/'))
      await route.fulfill({ headers, json: { sha: 'd'.repeat(40), siblings } });
    else await route.fulfill({ headers, body: files.get(pathname.replace(/^.*\//, '')) ?? 'none' });
  });
  const lookUpStudent = async () => {
    await tab(app, /^Hugging Face/).click();
    await app.getByRole('textbox', { name: 'Model', exact: true }).fill('org/student');
    await app.getByRole('button', { name: 'Look it up on huggingface.co' }).click();
  };

  await lookUp(app);
  await app.getByRole('button', { name: 'Download and open' }).click();
  await expect(opened(app)).toBeVisible({ timeout: 60_000 });
  await lookUpStudent();
  await expect(
    app.getByText(/config\.json is empty: .* it takes config\.json and the tokenizer\./),
  ).toBeVisible();
  await expectAccessible(app);
  await app.getByRole('button', { name: 'Download and open' }).click();
  await expect(app.getByText('6 latent thoughts; step through them in Latents')).toBeVisible({
    timeout: 60_000,
  });
  await expect(
    app.getByText(/^From the model that was open, .*: config\.json and the tokenizer\./),
  ).toBeVisible();
  expect(asked).toEqual(['main', 'model-00001-of-00001.safetensors']);

  // A damaged one is no sign of a host that is not the Hub.
  files.set('config.json', Buffer.from('{"model_type": '));
  files.set('tokenizer.json', Buffer.from('{}'));
  await lookUpStudent();
  await expect(app.getByRole('alert')).toContainText('config.json of org/student is not JSON');
});

/** A model's safetensors as a CODI student's without LoRA: other names, and three rows more for its tokens. */
function studentOf(base: Buffer): Buffer {
  const start = 8 + Number(base.readBigUInt64LE(0));
  const { __metadata__: _, ...tensors } = JSON.parse(base.subarray(8, start).toString()) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: number[] }
  >;
  const parts: Buffer[] = [];
  const header: typeof tensors = {};
  let at = 0;
  for (const [
    name,
    {
      dtype,
      shape,
      data_offsets: [from = 0, to = 0],
    },
  ] of Object.entries(tensors)) {
    const more = name === 'model.embed_tokens.weight' ? 3 : 0;
    const [rows = 0, ...rest] = shape;
    const bytes = base.subarray(start + from, start + to);
    const all = Buffer.concat([bytes, bytes.subarray(0, (bytes.length / rows) * more)]);
    parts.push(all);
    header[`codi.${name}`] = { dtype, shape: [rows + more, ...rest], data_offsets: [at, at + all.length] };
    at += all.length;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...parts]);
}

test('a data set comes from a mirror: its rows, cancelled and gone on with; without a viewer, a file, agreed to and read', {
  tag: '@slow',
}, async ({ app, complaints }) => {
  complaints.allow(/404|Failed to load resource/);
  await tab(app, 'Data').click();
  const asked = outside(app);
  await app.getByText('From the Hugging Face Hub or a mirror').click();
  await app.getByRole('radio', { name: 'Mirror' }).click();
  await app.getByLabel('Address of the mirror').fill(hub.base);
  const { host } = new URL(hub.base);
  await app.getByRole('textbox', { name: 'Name', exact: true }).fill(DATA_SET);
  await app.getByRole('radio', { name: 'All of the split' }).click();
  await expectAccessible(app);
  expect(asked).toEqual([]);

  // More rows than were ever fetched at once before: cancelled on the way, they go on from where they were.
  await app.getByRole('button', { name: `Fetch rows from ${host}` }).click();
  const bar = app.getByRole('progressbar', { name: 'Fetching rows' }).first();
  await expect(bar).toHaveAttribute('aria-valuetext', /00 of 1,234 rows.*(about|less than) .* left/);
  await app.getByRole('button', { name: 'Cancel fetching' }).click();
  await expect(app.getByText(/rows have arrived\. They are kept until this page is closed/)).toBeVisible();
  const before = hub.seen.length;
  await app.getByRole('button', { name: `Fetch the rest of the rows from ${host}` }).click();
  await expect(
    app.getByText(`${SPLIT_ROWS.toLocaleString('en')} of 1,234 rows pass the filter.`),
  ).toBeVisible();
  const offsets = hub.seen.map((line) => Number(/offset=(\d+)/.exec(line)?.[1]));
  expect(offsets.slice(before)[0]).toBeGreaterThan(0);
  expect(new Set(offsets.slice(before)).size).toBe(offsets.length - before);

  // The exact tokens of a row, below it.
  await app.getByRole('button', { name: 'Tokens of row-1', exact: true }).click();
  const tokens = app.getByRole('region', { name: 'The tokens of row-1' });
  await expect(tokens.getByRole('group', { name: /^Question: \d+ tokens/ })).toBeVisible({ timeout: 60_000 });
  await expect(tokens.getByRole('group', { name: /^Answer prompt: 4 tokens/ })).toBeVisible();
  await expectAccessible(app);

  // Without a viewer it says so, and offers the other way.
  hub.hasViewer = false;
  await app.getByText('From the Hugging Face Hub or a mirror').click();
  await app.getByRole('radio', { name: 'The first rows' }).click();
  await app.getByRole('button', { name: `Fetch rows from ${host}` }).click();
  await expect(app.getByRole('alert')).toContainText('It may have no dataset viewer');
  await expect(app.getByRole('alert')).toContainText(
    'Download the rows as a file of the data set’s repository',
  );

  await app.getByRole('radio', { name: 'A file' }).click();
  await app.getByRole('textbox', { name: 'Repository' }).fill(DATA_SET);
  const seen = hub.seen.length;
  await app.getByRole('button', { name: `Look it up on ${host}` }).click();
  await expect(
    app.getByRole('heading', { name: /^Download 1\.\d kB from 127\.0\.0\.1:\d+\?$/ }),
  ).toBeVisible();
  expect(hub.seen.slice(seen)).toEqual([`api GET /api/datasets/${DATA_SET}/revision/main?blobs=true 200`]);
  await expectAccessible(app);
  await app.getByRole('button', { name: 'Download and open' }).click();
  await expect(app.getByText('40 of 40 rows pass the filter.')).toBeVisible();
  await expect(app.getByRole('heading', { name: 'train.txt' })).toBeVisible();
  await expect(app.getByText('GSM8K-Aug, text lines of implicit CoT').first()).toBeVisible();
  // The API and its content network, and nobody else.
  expect([...new Set(asked.map((one) => one.replace(/:\d+$/, '')))]).toEqual(['127.0.0.1']);
});
