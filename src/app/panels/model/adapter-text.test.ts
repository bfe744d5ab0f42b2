import { expect, it } from 'vitest';
import { adapterText } from './adapter-text';

it('says what the browser says of an adapter, or that it does not', () => {
  const swiftshader = { vendor: 'google', architecture: 'swiftshader', description: '', software: true };
  expect(adapterText(swiftshader)).toBe('google · swiftshader (software)');
  // As where `adapter.info` is missing.
  const unnamed = { vendor: '', architecture: '', description: '', software: false };
  expect(adapterText(unnamed)).toBe('not named by the browser');
  expect(adapterText(null)).toBe('none');
});
