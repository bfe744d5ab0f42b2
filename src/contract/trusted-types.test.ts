import { expect, it } from 'vitest';
import { harmlessMarkup, vouchForOwnScripts } from './trusted-types';

function installed(): (address: string) => string {
  let rule: ((address: string) => string) | undefined;
  vouchForOwnScripts({
    location: { href: 'http://localhost:4173/app/', origin: 'http://localhost:4173' },
    trustedTypes: {
      createPolicy: (name, rules) => {
        expect(name).toBe('default');
        rule = rules.createScriptURL;
      },
    },
  });
  if (!rule) throw new Error('no policy was installed');
  return rule;
}

it('vouches for our own files', () => {
  const rule = installed();
  for (const address of [
    'assets/worker.js',
    '/x.mjs',
    'http://localhost:4173/y.js',
    'blob:http://localhost:4173/1-2',
  ]) {
    expect(rule(address)).toBe(address);
  }
});

it('refuses all others', () => {
  const rule = installed();
  for (const address of [
    'https://elsewhere.invalid/x.js',
    '//elsewhere.invalid/x.js',
    'http://localhost:4174/x.js',
    'data:text/javascript,1',
    'javascript:1',
    'blob:https://elsewhere.invalid/1-2',
  ]) {
    expect(() => rule(address), address).toThrow(`"${address}" is not of this site`);
  }
});

it('is installed once, and where there are no trusted types nothing happens', () => {
  const location = { href: 'http://localhost/', origin: 'http://localhost' };
  vouchForOwnScripts({ location });
  const createPolicy = () => expect.unreachable();
  vouchForOwnScripts({ location, trustedTypes: { defaultPolicy: {}, createPolicy } });
});

it('lets through only markup without elements, and only on request', () => {
  for (const markup of ['', '&times;', '&#8722;', '&#x2212;']) expect(harmlessMarkup(markup)).toBe(markup);
  for (const markup of ['x', '<b>', '&lt;<img src=x onerror=1>', '&times', ' ', '&a;&b;']) {
    expect(() => harmlessMarkup(markup), markup).toThrow('was refused');
  }
  const location = { href: 'http://localhost/', origin: 'http://localhost' };
  const rules: string[][] = [];
  const trustedTypes = { createPolicy: (_name: string, given: object) => rules.push(Object.keys(given)) };
  vouchForOwnScripts({ location, trustedTypes });
  vouchForOwnScripts({ location, trustedTypes }, harmlessMarkup);
  expect(rules).toEqual([['createScriptURL'], ['createScriptURL', 'createHTML']]);
});
