import { it } from 'vitest';
import { fuzz } from './fuzz.ts';

it('no odd token is authorised or crashes anything (100,000)', () => fuzz(100_000));
