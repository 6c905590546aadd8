import { describe, expect, it } from 'vitest';
import { metersCompute, parseUsageSettings } from '../../../src/runtime/usage/settings.ts';

describe('what a function is told of usage', () => {
  it('are the metrics of the project beside the built-in ones, and the dedupe window', () => {
    const metrics = {
      exports: { unit: 'files', kind: 'counter' },
      seats: { unit: 'seats', kind: 'gauge', scale: 1 },
    };
    const settings = parseUsageSettings({
      SAASCTL_METRICS: JSON.stringify(metrics),
      SAASCTL_DEDUPE_DAYS: '60',
    });
    expect(settings.dedupeDays).toBe(60);
    expect(settings.metrics['seats']).toEqual({ name: 'seats', unit: 'seats', kind: 'gauge', scale: 1 });
    expect(settings.metrics['users']?.kind).toBe('gauge');
    expect(parseUsageSettings({})).toMatchObject({ dedupeDays: 34 });
  });

  it.each([
    '[]',
    'null',
    '{"exports"',
    '{"exports":{"unit":"files","kind":"sum"}}',
    '{"exports":{"kind":"counter"}}',
    '{"exports":{"unit":"files","kind":"counter","scale":-1}}',
    '{"exports":{"unit":"files","kind":"counter","scale":1.5}}',
    '{"exports":null}',
  ])('refuses %s as metrics', (text) => {
    expect(() => parseUsageSettings({ SAASCTL_METRICS: text })).toThrow(
      expect.objectContaining({ code: 'bad_setting', message: expect.stringContaining('SAASCTL_METRICS') }),
    );
  });

  it.each(['0', '-1', '1.5', 'many', '1000'])('refuses %s days', (days) => {
    expect(() => parseUsageSettings({ SAASCTL_DEDUPE_DAYS: days })).toThrow(/SAASCTL_DEDUPE_DAYS/);
  });

  it('compute time is counted unless it is switched off', () => {
    expect(metersCompute({})).toBe(true);
    expect(metersCompute({ SAASCTL_COMPUTE_SECONDS: 'on' })).toBe(true);
    expect(metersCompute({ SAASCTL_COMPUTE_SECONDS: 'off' })).toBe(false);
  });
});
