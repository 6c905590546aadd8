import { it } from 'vitest';
import { fuzz } from './fuzz.ts';

it('no odd key, header or event is authorised or crashes anything (500,000)', () => fuzz(500_000));
