import { describe, expect, it } from 'vitest';
import { parseRunConfig } from '../../contract/config';
import { needsPair, withRole } from './role-choice';

const config = parseRunConfig({});

describe('choosing roles', () => {
  it('makes an opened model its own teacher, and says so', () => {
    const { config: opened, notes } = withRole(config, 'student', 'opened', null);
    expect(opened.roles).toEqual({ student: 'opened', teacher: 'self', data: 'bundled' });
    expect(notes).toHaveLength(1);
    const back = withRole(opened, 'student', 'bundled', null);
    expect(back.config).toEqual(config);
    const kept = withRole(withRole(config, 'teacher', 'kept', null).config, 'student', 'opened', null);
    expect(kept.config.roles.teacher).toBe('kept');
    expect(kept.notes).toEqual([]);
  });

  it('takes no more rows than there are, each in only one part', () => {
    for (const rows of [3, 7, 40, 128, 300]) {
      const chosen = withRole(config, 'data', 'opened', { name: 'rows.jsonl', rows });
      const { samples, validation, heldOut } = chosen.config.data;
      expect(samples + validation + heldOut).toBe(rows);
      expect(Math.min(samples, validation, heldOut)).toBeGreaterThan(0);
      expect(chosen.notes[0]).toContain(`rows.jsonl has ${rows} rows: ${samples} for training`);
    }
    const enough = withRole(config, 'data', 'opened', { name: 'rows.jsonl', rows: 428 });
    expect(enough.config.data).toEqual(config.data);
    expect(enough.notes).toEqual([]);
  });

  it('knows when the pair is not needed', () => {
    expect(needsPair(config)).toBe(true);
    const roles = { student: 'opened', teacher: 'self', data: 'opened' } as const;
    expect(needsPair({ roles })).toBe(false);
    expect(needsPair({ roles: { ...roles, data: 'bundled' } })).toBe(true);
    expect(needsPair({ roles: { ...roles, student: 'bundled' } })).toBe(true);
  });
});
