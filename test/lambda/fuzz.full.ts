import { it } from 'vitest';
import { fuzz } from './fuzz.ts';

it('no odd key, header or event is authorised or crashes anything (1,000,000)', () => fuzz(1_000_000));
