import { expect, vi } from 'vitest';
import type { Locator } from 'vitest/browser';

/** What the page hands over when a button is pressed, in a browser test: the file's name and content. Ends all spies. */
export async function savedBy(button: Locator): Promise<{ readonly name: string; readonly file: Blob }> {
  const files: Blob[] = [];
  const make = URL.createObjectURL.bind(URL);
  vi.spyOn(URL, 'createObjectURL').mockImplementation((blob) => {
    files.push(blob as Blob);
    return make(blob);
  });
  const click = vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(() => {});
  await button.click();
  await expect.poll(() => click.mock.instances.length).toBe(1);
  const name = (click.mock.instances[0] as unknown as HTMLAnchorElement).download;
  vi.restoreAllMocks();
  return { name, file: files.at(-1) as Blob };
}
