import { expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { mounting } from '../../mount.testing';
import { done } from '../../store/task';
import { HubFile } from './HubFile';

const mount = mounting();

const file = (i: number) => ({ path: `part-${i}.txt`, size: 5000 - i, sha256: null, gitSha1: null });

/** The card with an offer of so many files, of which one was asked for. */
function show(count: number, chosen: number) {
  const files = Array.from({ length: count }, (_, i) => file(i));
  const about = { base: 'https://huggingface.co', id: 'org/rows', revision: 'main', commit: null };
  const app = mount(<HubFile />);
  const { data } = app.store.getState();
  app.store.setState({
    data: {
      ...data,
      hub: {
        ...data.hub,
        chosen: file(chosen).path,
        offer: done({ repository: { ...about, licence: null, files }, files, chosen: files[chosen]! }),
      },
    },
  });
}

const options = () => page.getByRole('option').elements().length;
const open = () => page.getByRole('button', { name: /part-\d+\.txt/ });

it('says that a long list of files is cut, and lists the one that was asked for', async () => {
  show(130, 120);
  await expect.element(page.getByText(/The first 100 of 130 files are listed/)).toBeVisible();
  await expect.element(open()).toMatchTextContent(/part-120\.txt, 4\.\d+ kB/);
  await open().click();
  await expect.poll(options).toBe(101);
});

it('lists all of a short list, and says nothing', async () => {
  show(100, 99);
  await expect.element(open()).toMatchTextContent(/part-99\.txt/);
  expect(page.getByText(/files are listed/).elements()).toEqual([]);
  await open().click();
  await expect.poll(options).toBe(100);
});
