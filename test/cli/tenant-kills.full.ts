import { describe } from 'vitest';
import { kills } from './tenant-kills.ts';

describe('a run killed before each of its calls', () => kills(1, 1));
