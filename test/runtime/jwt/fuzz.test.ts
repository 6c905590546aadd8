import { it } from 'vitest';
import { fuzz } from './fuzz.ts';

it('no odd token is authorised or crashes anything (20,000)', () => fuzz(20_000));
