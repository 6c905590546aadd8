import { expect, it } from 'vitest';
import { patiently } from '../../../src/core/deploy/patience.ts';
import { patientCloud } from '../../../src/core/deploy/patient-cloud.ts';
import { fakeCloud } from '../../fixtures/cloud.ts';

const TRIES = 8;

function account() {
  const cloud = fakeCloud();
  const waiting = { pause: cloud.pause, signal: new AbortController().signal };
  const tries = (): number => cloud.calls.filter((call) => call === 'stacks.describe').length;
  return { cloud, waiting, tries };
}

it('waits once where whoever asks waits as well, or has an account that waits already', async () => {
  const { cloud, waiting, tries } = account();
  cloud.throttle('stacks.describe', Number.POSITIVE_INFINITY);
  const { stacks } = patientCloud(patientCloud(cloud, waiting), waiting);
  await expect(patiently(waiting, () => stacks.describe('prod'))).rejects.toMatchObject({ retryable: true });
  expect(tries()).toBe(TRIES);
});

it('after waiting in vain it fails at once, until something is answered', async () => {
  const { cloud, waiting, tries } = account();
  cloud.throttle('stacks.describe', TRIES + 1);
  const { stacks } = patientCloud(cloud, waiting);
  await expect(stacks.describe('prod')).rejects.toThrow('Rate exceeded');
  await expect(stacks.describe('prod')).rejects.toThrow('Rate exceeded');
  expect(tries()).toBe(TRIES + 1);
  expect(await stacks.describe('prod')).toBeNull();
  cloud.throttle('stacks.describe', 1);
  expect(await stacks.describe('prod')).toBeNull();
});

it('leaves to the engine what may not be done twice', async () => {
  const { cloud, waiting } = account();
  const { stacks } = patientCloud(cloud, waiting);
  cloud.throttle('stacks.execute', 1);
  await expect(stacks.execute('prod', 'change', 'token')).rejects.toThrow('Rate exceeded');
});
