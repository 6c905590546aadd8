import fc from 'fast-check';
import { it } from 'vitest';
import { followsGcra, schedules } from './schedules.ts';

it("gives GCRA's own decisions on 100,000 random schedules", () => {
  fc.assert(
    fc.property(schedules, (schedule) => followsGcra(schedule)),
    { numRuns: 100_000 },
  );
});
