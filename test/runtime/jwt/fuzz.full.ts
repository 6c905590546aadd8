import { it } from 'vitest';
import { fuzz } from './fuzz.ts';

it('no odd token is authorised or crashes anything (200,000)', () => fuzz(200_000));
